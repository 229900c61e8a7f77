import type { Failure, Reply } from '../reply/reply.ts';
import { ask } from '../suite/ask.ts';
import { asRecorded, type EntryRedactor } from './entry-redactor.ts';
import type { HarEntry } from './har.ts';
import { type Played, replyOf, withoutKeys } from './played.ts';
import type { Translation } from './translation.ts';

/** A base URL without a slash at its end; or replies that are in the recording: the target's, or the candidate's. */
export type Source = { readonly url: string } | 'recorded' | 'candidate';

export type ReplayedRequest = { readonly user: string; readonly path: string; readonly isRead: boolean };

/** One side of a replay: asked live in its own words, or what the recording has of it. */
export class ReplaySide {
  readonly #source: Source;
  readonly #translation: Translation;
  /** Takes out of live replies what recorded ones do not have either. */
  readonly #keeper: EntryRedactor | undefined;
  /** True if the other side's replies were recorded with the same key. */
  readonly #sameKey: boolean;
  readonly times: number[] = [];

  constructor(source: Source, translation: Translation, keeper: EntryRedactor | undefined, sameKey: boolean) {
    this.#source = source;
    this.#translation = translation;
    this.#keeper = keeper;
    this.#sameKey = sameKey;
  }

  async reply(
    entry: HarEntry,
    played: Played | { readonly lost: string },
    asked: ReplayedRequest,
  ): Promise<Reply | Failure | { readonly missing: string }> {
    if (this.#source === 'recorded') return this.#stored(entry.response, entry._error);
    if (this.#source === 'candidate') return this.#stored(entry._candidate?.response, entry._candidate?._error);
    if ('lost' in played) return { missing: played.lost };
    const request = this.#translation.request(played, asked.user, entry.response?.status ?? 0);
    if ('missing' in request) return request;
    const began = performance.now();
    const reply = await ask(this.#source.url, request);
    this.times.push(performance.now() - began);
    if ('error' in reply) return reply;
    const recorded = replyOf(entry.response, undefined);
    if ('status' in recorded) this.#translation.learn(recorded, reply, asked);
    return this.#keeper ? replyOf(asRecorded(reply, this.#keeper), undefined) : reply;
  }

  #stored(response: HarEntry['response'] | undefined, error: string | undefined): Reply | Failure {
    return replyOf(response && !this.#sameKey ? withoutKeys(response) : response, error);
  }
}
