import type { CapabilitySnapshot } from '@strangler/plan';
import type { HandoffOutcome, HandoffParts, Proxies } from '../../control/handoff-parts.ts';
import { Notify } from '../../control/notify.ts';
import type { ProxyView } from '../../control/readiness.ts';
import type { HandoffSides } from '../../control/sides.ts';
import type { CapabilityState } from '../../control/state.ts';
import type { Store } from '../../control/store.ts';
import { StoredState, SupersededError } from '../../control/stored-state.ts';
import type { Rules } from './rules.ts';
import { CAPABILITY } from './shop.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Ask, Program } from './world.ts';

/*
 * Runs control's own code, handoff() and recover() of control/handoff.ts, one effect at a time. The code is started from
 * its beginning each time and given the answers it has had so far, until it asks for something new: that is the next
 * step, and everything else in the world may happen before it. So every point between two effects is a point to crash at.
 */

/** How far a program is: what it asks for, or how it ended. */
export type Reached =
  | { readonly is: 'asks'; readonly ask: Ask; readonly released: number }
  /** It waits: the last answer was not what it waits for. */
  | { readonly is: 'waits' }
  | {
      readonly is: 'ended';
      readonly how: 'done' | 'superseded' | 'failed';
      readonly state: CapabilityState;
      readonly released: number;
      /** Milliseconds until it makes sense to try again, if it knows. */
      readonly retryIn: number | undefined;
      /** Whose writes alone were in the way. */
      readonly users: readonly string[];
    };

type Undone = HandoffOutcome & { readonly done: false };

/** Stops code that asks synchronously for what is not known yet. */
class Paused extends Error {}

const never = new Promise<never>(() => {});
const CALLS = ['write', 'has', 'arrived', 'free', 'tick', 'proven', 'passed'] as const satisfies (keyof HandoffSides)[];
const LIMITS = { hold: 2_000, forceAfter: 500, writeFate: 10_000 };

/** Runs a program of control from its beginning to the first question the journal does not answer. */
export async function runProgram(
  rules: Rules,
  start: CapabilityState,
  released: number,
  program: Program,
): Promise<Reached> {
  const run = new Run(rules, start, released, program);
  return run.reached();
}

/** The words of the proxies: what is waited for among them is a question to the world. */
class Words extends Notify {
  readonly #until: Notify['until'];
  constructor(until: Notify['until']) {
    super();
    this.#until = until;
  }
  override until(holds: () => boolean, ms: number): Promise<boolean> {
    return this.#until(holds, ms);
  }
}

class Run {
  readonly #rules: Rules;
  readonly #program: Program;
  readonly #cell: StoredState;
  readonly #abort = new AbortController();
  readonly #time = new VirtualTime();
  #at = 0;
  #released: number;
  #asked: Ask | undefined;
  #waits = false;
  #waiting = false;

  constructor(rules: Rules, start: CapabilityState, released: number, program: Program) {
    this.#rules = rules;
    this.#program = program;
    this.#released = released;
    this.#cell = new StoredState(CAPABILITY, rules.between.store(this.#store()), start);
  }

  async reached(): Promise<Reached> {
    const { handoff, recover, settleForced, takeOver, leftBehind, following } = this.#rules;
    const { does, move, users = [] } = this.#program;
    let ended: Reached | undefined;
    const end = (how: 'done' | 'superseded' | 'failed', { retryIn, users = [] }: Partial<Undone> = {}) => {
      ended = { is: 'ended', how, state: this.#cell.current, released: this.#released, retryIn, users };
    };
    await this.#time.during(
      () => {
        const parts = this.#parts();
        const begin = {
          // As a walk does it: what could not be stored is brought to rest by the same hand, which knows what it tried.
          move: () =>
            handoff(parts, move!, () => true, this.#abort.signal).catch((error) => {
              if (error instanceof SupersededError) throw error;
              return recover(parts, 'the state could not be written');
            }),
          leave: () => this.#cell.update((state) => leftBehind(state, users)).then(() => undefined),
          follow: () => this.#cell.update((state) => following(state, users)).then(() => undefined),
          'take-over': () => takeOver(this.#cell).then(() => undefined),
          recover: () => recover(parts, 'control was restarted'),
          settle: () => settleForced(parts, this.#abort.signal).then(() => undefined),
        };
        Promise.resolve<HandoffOutcome | string | undefined>(begin[does]()).then(
          (outcome) => end('done', typeof outcome === 'object' && !outcome.done ? outcome : {}),
          (error) => end(error instanceof SupersededError ? 'superseded' : 'failed'),
        );
      },
      () => {
        if (does === 'settle' && !this.#cell.current.unproven.length) end('done'); // it only looks for more from now on
        return this.#asked !== undefined || this.#waits || ended !== undefined;
      },
    );
    if (this.#asked) return { is: 'asks', ask: this.#asked, released: this.#released };
    return ended ?? { is: 'waits' };
  }

  /** The answer to the next question of code that can wait for it. */
  async #ask<T>(ask: Ask): Promise<T> {
    const answer = this.#next(ask);
    if (!answer || 'late' in answer) return never;
    if ('error' in answer) throw new Error(answer.error);
    return answer.value as T;
  }

  /** The answer to the next question of code that cannot. */
  #askNow<T>(ask: Ask): T {
    const answer = this.#next(ask);
    if (!answer || !('value' in answer)) throw new Paused();
    return answer.value as T;
  }

  #next(ask: Ask) {
    if (this.#asked || this.#waits) return undefined;
    const answer = this.#program.journal[this.#at];
    if (answer) this.#at++;
    else this.#asked = ask;
    return answer;
  }

  #parts(): HandoffParts {
    return {
      cell: this.#cell,
      proxies: this.#proxies(),
      sides: this.#rules.between.sides(this.#sides()),
      limits: LIMITS,
      release: (epoch) => {
        this.#released = epoch;
        this.#publish();
      },
      onError: () => {},
      atRisk: () => ({ atRisk: [], more: 0 }),
      stopping: new AbortController().signal,
    };
  }

  #publish(): number {
    const { boundary, pins, moving } = this.#cell.current;
    const snapshot: CapabilitySnapshot = {
      boundary,
      pins,
      ...(moving && moving.epoch !== this.#released && { moving }),
    };
    return this.#askNow({ is: 'publish', snapshot });
  }

  #proxies(): Proxies {
    return {
      publish: () => this.#publish(),
      views: () => this.#askNow<ProxyView[]>({ is: 'views', until: this.#waiting }),
      activity: new Words(async (holds, ms) => {
        if (this.#isLate()) {
          this.#time.pass(ms);
          return false;
        }
        this.#waiting = true;
        const held = holds();
        this.#waiting = false;
        if (held) return true;
        this.#waits = true;
        return never;
      }),
    };
  }

  /** True if the journal says that what comes next was waited for in vain. */
  #isLate(): boolean {
    const answer = this.#program.journal[this.#at];
    if (!answer || !('late' in answer)) return false;
    this.#at++;
    return true;
  }

  #sides(): HandoffSides {
    const asking = (call: keyof HandoffSides) =>
      [call, (...given: unknown[]) => this.#ask({ is: 'sides', call, given })] as const;
    return Object.fromEntries(CALLS.map(asking)) as unknown as HandoffSides;
  }

  #store(): Store {
    return {
      read: () => this.#ask({ is: 'read' }),
      write: (row, also = {}) => this.#ask({ is: 'store', row, also }),
      now: async () => '',
      record: async () => {},
      records: async () => [],
    };
  }
}
