import { type Direction, streamName } from '@strangler/plan';
import { Refusal } from '../refusal.ts';

/** An entry's name, the same for everybody: `orders:forward:12`. */
export type EntryName = { readonly capability: string; readonly direction: Direction; readonly id: number };

export const sayEntry = (stream: string, id: number): string => `${stream}:${id}`;

/** Reads a name. Throws Refusal. */
export function readEntryName(text: string, capabilities: readonly string[]): EntryName {
  const [, capability, direction, id] = /^([^:]+):(forward|reverse):(\d{1,15})$/.exec(text) ?? [];
  if (capability === undefined) {
    throw new Refusal(
      `${JSON.stringify(text)} names no entry; strangler quarantine list shows names like orders:forward:12`,
    );
  }
  if (!capabilities.includes(capability)) {
    throw new Refusal(`the Plan syncs no capability ${capability}; it syncs ${capabilities.join(', ')}`);
  }
  return { capability, direction: direction as Direction, id: Number(id) };
}

export const streamOf = ({ capability, direction }: EntryName): string => streamName(capability, direction);
