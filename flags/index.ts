export { openFlags } from './open.ts';
export type { Flag, FlagStore } from './store.ts';
