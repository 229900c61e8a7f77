import { randomUUID } from 'node:crypto';
import type { FromProxy, HeardWrite, SurveyAnswer } from '@strangler/plan';

/** How long proxies go on telling after somebody has asked, ms. */
export const SURVEY_FOR_MS = 10_000;
/** Writes kept for whoever asks next. */
const MOST_HEARD = 20_000;
/** Writes of one answer. */
const MOST_ANSWERED = 2_000;
/** A proxy that has said nothing for so long does not tell of its writes, ms: it would every second. */
const SILENT_MS = 3_000;

type Told = Extract<FromProxy, { type: 'surveyed' }>;
type Teller = { readonly proxy: string; readonly process: string | undefined };
type Heard = { readonly write: HeardWrite } | { readonly dropped: number };
/** `ahead`: how far the proxy’s clock is ahead of ours at least, ms; what is more is the way of its messages. */
type Known = { readonly name: string; ahead: number; heardAt: number };

/**
 * Passes on what proxies tell of their writes to whoever surveys. Nothing is decided by it: what is lost here is missed,
 * and said to be.
 */
export class SurveyRelay {
  readonly #stream = randomUUID();
  readonly #wall: () => number;
  #heard: Heard[] = [];
  /** The number of the first one kept. */
  #first = 0;
  readonly #tellers = new Map<string, Known>();

  constructor(wall: () => number = Date.now) {
    this.#wall = wall;
  }

  /** Takes in what a proxy tells; `now` is monotonic. */
  hear({ proxy, process }: Teller, { at, writes, dropped }: Told, now: number): void {
    const name = `${proxy}/${process ?? ''}`;
    const ahead = at - this.#wall();
    const known = this.#tellers.get(proxy);
    if (known && known.name !== name) this.#keep({ dropped: 1 }); // what the process before had not told yet
    const teller: Known = known?.name === name ? known : { name, ahead, heardAt: now };
    teller.ahead = Math.max(teller.ahead, ahead); // the quickest message says it best
    teller.heardAt = now;
    this.#tellers.set(proxy, teller);
    const here = (time: number) => time - teller.ahead;
    for (const write of writes) {
      const { began, ended } = write;
      this.#keep({ write: { ...write, proxy: name, began: here(began), ended: ended === null ? null : here(ended) } });
    }
    if (dropped) this.#keep({ dropped });
  }

  /** What was heard since `after`; undefined: from now on. */
  answer(after: number | undefined, registered: readonly string[], now: number): SurveyAnswer {
    const end = this.#first + this.#heard.length;
    const from = Math.min(Math.max(after ?? end, this.#first), end);
    const some = this.#heard.slice(from - this.#first, from - this.#first + MOST_ANSWERED);
    const dropped = some.reduce((sum, one) => sum + ('dropped' in one ? one.dropped : 0), 0);
    const tells = (proxy: string) => now - (this.#tellers.get(proxy)?.heardAt ?? Number.NEGATIVE_INFINITY) <= SILENT_MS;
    return {
      stream: this.#stream,
      now: this.#wall(),
      next: from + some.length,
      missed: Math.max(0, this.#first - (after ?? end)) + dropped,
      writes: some.flatMap((one) => ('write' in one ? [one.write] : [])),
      proxies: registered.map((proxy) => ({ proxy, tells: tells(proxy) })),
    };
  }

  #keep(one: Heard): void {
    this.#heard.push(one);
    if (this.#heard.length <= 2 * MOST_HEARD) return;
    this.#first += this.#heard.length - MOST_HEARD;
    this.#heard = this.#heard.slice(-MOST_HEARD);
  }
}
