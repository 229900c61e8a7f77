import { isMoving, type Side, sideOf } from '@strangler/plan';
import { RETRY_MS } from './handoff-parts.ts';
import { isUrgent } from './handoff-state.ts';
import { Notify } from './notify.ts';
import type { HandoffSides } from './sides.ts';
import type { StoredState } from './stored-state.ts';

/** A proxy asks whether what this user has written on a side until now is on the other one; if `theirs`, as its user. */
export type Ask = {
  readonly user: string;
  readonly from: Side;
  readonly theirs: boolean;
  readonly confirm: () => void;
};

/** Between two looks while somebody waits, ms. */
const POLL_MS = 5;
/** A question is forgotten this long after its proxy has given up on it, ms. */
const FORGET_AFTER_MS = 30_000;

type Asked = Ask & { readonly at: number };
type Waiting = Asked & { readonly tick: number };

/**
 * Answers questions of proxies: a tick made on that side after the question has arrived on the other one, so everything
 * before it has (docs/how-it-works.md#confirmed-writes). Nothing is confirmed as theirs to a user an urgent rollback is
 * taking away, nor while anything the service wrote is unproven.
 */
export class ConfirmationAnswers {
  readonly #cell: StoredState;
  readonly #sides: HandoffSides;
  readonly #bucket: (user: string) => number;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  readonly #forgetAfter: number;
  readonly #wake = new Notify();
  readonly #stopping = new AbortController();
  readonly #life: Promise<void>;
  #asked: Asked[] = [];
  #waiting: Waiting[] = [];

  /** `hold`: how long a proxy waits for the answer, ms. */
  constructor(
    cell: StoredState,
    sides: HandoffSides,
    bucket: (user: string) => number,
    onError: (error: unknown) => void,
    hold: number,
    now: () => number = performance.now.bind(performance),
  ) {
    this.#now = now;
    this.#forgetAfter = hold + FORGET_AFTER_MS;
    this.#cell = cell;
    this.#sides = sides;
    this.#bucket = bucket;
    this.#onError = onError;
    this.#life = this.#run();
  }

  /** Takes a question in; it is answered by `confirm`, or never. */
  ask(ask: Ask): void {
    this.#asked.push({ ...ask, at: this.#now() });
    this.#wake.wake();
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#life;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!this.#asked.length && !this.#waiting.length) {
        await this.#wake.wait(60_000, signal);
        continue;
      }
      this.#forget();
      try {
        await this.#look();
        await this.#wake.wait(POLL_MS, signal);
      } catch (error) {
        this.#onError(error);
        await this.#wake.wait(RETRY_MS, signal);
      }
    }
  }

  /** Whoever is answered by now has gone, also while no database answers. */
  #forget(): void {
    const oldest = this.#now() - this.#forgetAfter;
    this.#asked = this.#asked.filter(({ at }) => at > oldest);
    this.#waiting = this.#waiting.filter(({ at }) => at > oldest);
  }

  async #look(): Promise<void> {
    for (const from of ['monolith', 'service'] as const) {
      const asked = this.#asked.filter((ask) => ask.from === from);
      if (asked.length) {
        const last = await this.#sides.tick(from);
        this.#asked = this.#asked.filter((ask) => !asked.includes(ask));
        this.#waiting.push(...asked.map((ask) => ({ ...ask, tick: last + 1 })));
      }
      if (!this.#waiting.some((one) => one.from === from)) continue;
      const arrived = await this.#sides.proven(from);
      this.#waiting = this.#waiting.filter((one) => {
        if (one.from !== from) return true;
        if (one.tick <= arrived && this.#mayConfirm(one)) one.confirm();
        return one.tick > arrived;
      });
    }
  }

  #mayConfirm({ user, from, theirs }: Ask): boolean {
    if (!theirs) return true;
    const state = this.#cell.current;
    const bucket = this.#bucket(user);
    if (sideOf(state, user, bucket) !== from) return false;
    return !(isUrgent(state) && isMoving(state, state.moving ?? undefined, user, bucket));
  }
}
