export { isRoute } from '../scope.ts';
export { HarFile } from './har-file.ts';
export { Keeper } from './keep.ts';
export { type Recorder, type RecorderCounts, startRecorder } from './recorder.ts';
export { removeExpired } from './retention.ts';
export { readUserFrom, type UserFrom } from './user.ts';
