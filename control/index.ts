export { type Control, type ControlOptions, startControl } from './control.ts';
export type { Notice } from './webhook.ts';
