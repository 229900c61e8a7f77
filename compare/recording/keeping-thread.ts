import { parentPort, workerData } from 'node:worker_threads';
import { redactor } from '../redact.ts';
import { type BesideReply, type Exchange, entryOf } from './exchange.ts';
import { Keeper } from './keep.ts';
import type { KeepingOptions } from './keeping.ts';

export type ToKeep = { readonly exchange: Exchange; readonly beside: BesideReply | undefined };
/** Nothing comes after what is here already. */
export type End = { readonly end: true };
/** An entry as a line of the file, or why there is none. */
export type KeptEntry = { readonly line: string; readonly bodiesNotKept: number } | { readonly why: string };

const { redaction, cap, ...about } = workerData as KeepingOptions;
const context = { ...about, keeper: new Keeper(redactor(redaction), cap) };

function kept({ exchange, beside }: ToKeep): KeptEntry {
  try {
    const entry = entryOf(exchange, beside, context);
    const bodies = [entry.request.postData, entry.response.content];
    return { line: JSON.stringify(entry), bodiesNotKept: bodies.filter((body) => body?._sha256 !== undefined).length };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

parentPort!.on('message', (given: ToKeep | End) => {
  if ('end' in given) parentPort!.close();
  else parentPort!.postMessage(kept(given));
});
parentPort!.postMessage('ready');
