export { isRoute } from '../rules/scope.ts';
export { HarFile } from './har-file.ts';
export { type Recorder, type RecorderCounts, startRecorder } from './recorder.ts';
export { openRecording, type Recorded, type Recording, RecordingError } from './recording.ts';
export { redactionOf } from './redaction.ts';
export { type ReplayOptions, type ReplayProgress, type ReplayReport, replay } from './replay.ts';
export { removeExpired } from './retention.ts';
export type { Source } from './side.ts';
export { readUserFrom, type UserFrom } from './user.ts';
