import { createHash } from 'node:crypto';
import { NoAnswerError } from '@strangler/ledger';
import { sayDuration } from '@strangler/plan';
import { Recent } from './recent.ts';
import type { SourceAnswer } from './source.ts';

/** Longest a request waits for whose it is, in milliseconds. */
export const PATIENCE_MS = 2_000;
/** Age of an answer up to which a read may go by it, in milliseconds. */
const LASTS_MS = 5_000;
const MOST_REMEMBERED = 10_000;
/** Questions under way of one source, those included that nobody waits for any more. */
const MOST_UNDER_WAY = 1_000;

/** The Plan does not fit the database it looks users up in; the message says where, by the names of the Plan. */
export class UnfitError extends Error {}

/** Why whose a request is cannot be told, with nothing that it says. */
const whyUnknown = (whom: string, error: unknown): SourceAnswer => {
  if (error instanceof UnfitError)
    return { unknown: `the Plan does not fit ${whom}: a proxy that is restarted says where` };
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (error instanceof NoAnswerError || name === 'TimeoutError') return noAnswer(whom);
  return { unknown: `${whom} did not answer${typeof code === 'string' ? ` (${code})` : ''}` };
};

const noAnswer = (whom: string): SourceAnswer => ({
  unknown: `no answer from ${whom} within ${sayDuration(PATIENCE_MS)}`,
});

/**
 * What one source asks of others. A write always asks, so what it goes by is never older than the write itself; a read may
 * go by a user that was named within the last seconds. That nobody was is asked again each time: whoever has just signed in,
 * or written the row, must find it.
 */
export class Enquiries {
  readonly #whom: string;
  readonly #recent = new Recent<SourceAnswer>(MOST_REMEMBERED, LASTS_MS);
  #underWay = 0;

  /** `whom`: who is asked, for people. */
  constructor(whom: string) {
    this.#whom = whom;
  }

  /** The answer to `question`, known by `what` it is about. Never rejects, and never waits longer than PATIENCE_MS. */
  ask(
    what: readonly string[],
    isWrite: boolean,
    question: () => Promise<SourceAnswer>,
  ): SourceAnswer | Promise<SourceAnswer> {
    // Only a digest is kept: there may be tokens in it, and it may be long.
    const key = createHash('sha256').update(JSON.stringify(what)).digest('base64');
    const known = isWrite ? undefined : this.#recent.get(key, performance.now());
    return known?.answer ?? this.#put(key, question);
  }

  async #put(key: string, question: () => Promise<SourceAnswer>): Promise<SourceAnswer> {
    if (this.#underWay >= MOST_UNDER_WAY) return { unknown: `too many requests wait for ${this.#whom}` };
    const askedAt = performance.now();
    this.#underWay++;
    const asked = question()
      .catch((error: unknown) => whyUnknown(this.#whom, error))
      .finally(() => this.#underWay--);
    const late = Promise.withResolvers<SourceAnswer>();
    const timer = setTimeout(() => late.resolve(noAnswer(this.#whom)), PATIENCE_MS);
    const answer = await Promise.race([asked, late.promise]);
    clearTimeout(timer);
    if (answer && 'user' in answer) this.#recent.set(key, answer, askedAt);
    return answer;
  }
}
