import { redactor } from '../redact/redact.ts';
import type { Redaction } from '../redact/redaction.ts';
import { EntryRedactor } from './entry-redactor.ts';
import { type CandidateReply, entryOf, type RecordedExchange } from './exchange.ts';
import type { UserFrom } from './user.ts';

export interface KeepingOptions {
  readonly redaction: Redaction;
  /** Bytes of a decoded body beyond which only size and hash are kept. */
  readonly cap: number;
  /** Base URLs without a slash at their end. */
  readonly target: string;
  readonly candidate: string | undefined;
  readonly user: UserFrom | undefined;
}

export type ToKeep = { readonly exchange: RecordedExchange; readonly candidate: CandidateReply | undefined };
/** Comes first: what to look for. */
export type BeginRedacting = { readonly begin: KeepingOptions };
/** It was not done, and why. */
export type Failed = { readonly why: string };
/** It is ready, or a path to redact is wrong. */
export type Begun = { readonly begun: true } | Failed;
export type RedactionAnswer = Begun | RedactedEntry;
/** An entry as a line of the file, or why there is none. */
export type RedactedEntry = { readonly line: string; readonly bodiesNotKept: number } | Failed;

let context: Parameters<typeof entryOf>[2] | undefined;

function kept({ exchange, candidate }: ToKeep): RedactedEntry {
  try {
    const entry = entryOf(exchange, candidate, context!);
    const bodies = [entry.request.postData, entry.response.content];
    return { line: JSON.stringify(entry), bodiesNotKept: bodies.filter((body) => body?._sha256 !== undefined).length };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

function begin({ redaction, cap, ...about }: KeepingOptions): Begun {
  try {
    context = { ...about, keeper: new EntryRedactor(redactor(redaction), cap) };
    return { begun: true };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); // it ends when the recorder does
process.on('disconnect', () => process.exit());
process.on('message', (given: BeginRedacting | ToKeep) =>
  process.send!('begin' in given ? begin(given.begin) : kept(given)),
);
