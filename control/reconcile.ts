import { isDeepStrictEqual } from 'node:util';
import { handoff } from './handoff.ts';
import { type HandoffParts, saySubject, type Timings } from './handoff-parts.ts';
import { following, leftBehind, type Move, movesOf } from './handoff-state.ts';
import { Notify } from './notify.ts';
import { recover } from './recover.ts';
import type { CapabilityState } from './state.ts';
import { SupersededError } from './stored-state.ts';
import { Stragglers } from './stragglers.ts';

/** How often a closed gate is looked at again, ms. */
const POLL_MS = 100;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** Whom a move is about. */
const nameOf = ({ subject: { user } }: Move): string => (user === undefined ? 'range' : `user ${user}`);

/** How a move was cancelled last; it may be tried again in so many ms. */
type Cancel = { readonly retryIn: number; readonly heldByUsers: boolean };
/** A cancelled move: how often in a row, and until when it rests. */
type Failure = { readonly times: number; readonly until: number; readonly heldByUsers: boolean };

/** What a walk asks of its capability. */
export type ReconcilerHost = {
  readonly bucket: (user: string) => number;
  /** Whether users whose writes are in the way may be left behind: not if all of them are one. */
  readonly leavesBehind: boolean;
  /** Looks what keeps users in place now: true of a move that may not begin. */
  readonly look: () => (move: Move) => boolean;
  /** Everybody is where they should be. */
  readonly arrived: () => Promise<void>;
  readonly onMoved: (timings: Timings) => void;
  readonly onSuperseded: (error: Error) => void;
};

/** Moves users to where they are wanted, handoff by handoff, for as long as control is active. */
export class Reconciler {
  readonly #parts: HandoffParts;
  readonly #slice: number;
  readonly #walker: ReconcilerHost;
  readonly #wake = new Notify();
  readonly #stopping = new AbortController();
  #handoff: { readonly urgent: boolean; readonly abort: AbortController } | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #behind: Stragglers;
  /** Moves that were cancelled, by whom they are about. */
  readonly #failed = new Map<string, Failure>();

  constructor(parts: HandoffParts, slice: number, walker: ReconcilerHost) {
    this.#parts = parts;
    this.#slice = slice;
    this.#walker = walker;
    this.#behind = new Stragglers(parts.limits.writeFate);
  }

  /** Recovers from a crash, then walks. */
  start(): void {
    this.#running = this.#run().catch((error: Error) => {
      if (!this.#stopping.signal.aborted) this.#walker.onSuperseded(error);
    });
  }

  /** What is wanted has changed. An urgent change cancels a handoff that is not urgent itself. */
  wake(urgent: boolean): void {
    if (urgent && this.#handoff && !this.#handoff.urgent) this.#handoff.abort.abort();
    this.#wake.wake();
  }

  /** True of a move whose last try failed because writes of users were under way, who could not be left behind. */
  isHeldByUsers(move: Move): boolean {
    return this.#failed.get(nameOf(move))?.heldByUsers ?? false;
  }

  /** Finishes or cancels the handoff under way. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#handoff?.abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await recover(this.#parts, 'control was restarted');
    let walking = true;
    while (!signal.aborted) {
      if (!(await this.#recall())) {
        await this.#wake.wait(POLL_MS, signal);
        continue;
      }
      const state = this.#parts.cell.current;
      const moves = [...movesOf(state, this.#slice, this.#walker.bucket)];
      if (!moves.length && state.phase !== 'idle') {
        await recover(this.#parts, 'everybody is where they should be'); // some are still being held
        continue;
      }
      if (!moves.length) {
        this.#failed.clear();
        if (walking || state.ramp.state === 'rolling-back') walking = !(await this.#stored(this.#walker.arrived));
        await this.#wake.wait(walking ? POLL_MS : this.#behind.rest(state, 60_000, performance.now()), signal);
        continue;
      }
      walking = true;
      const blocked = this.#walker.look();
      const now = performance.now();
      const rests = (one: Move) => !one.urgent && (this.#failed.get(nameOf(one))?.until ?? 0) > now;
      const move = moves.find((one) => !rests(one) && !blocked(one));
      if (!move) {
        await this.#wake.wait(POLL_MS, signal);
        continue;
      }
      const cancel = await this.#once(move);
      if (!cancel) this.#failed.delete(nameOf(move));
      else await this.#restAfter(move, cancel);
    }
  }

  /** One that has failed gives others their turn; an urgent one is tried again and again. */
  async #restAfter(move: Move, { retryIn, heldByUsers }: Cancel): Promise<void> {
    const times = (this.#failed.get(nameOf(move))?.times ?? 0) + 1;
    this.#failed.set(nameOf(move), { times, until: performance.now() + retryIn, heldByUsers });
    if (move.urgent) await this.#wake.wait(retryIn, this.#stopping.signal);
  }

  /** One handoff; undefined when it is done. */
  async #once(move: Move): Promise<Cancel | undefined> {
    const abort = new AbortController();
    this.#handoff = { urgent: move.urgent, abort };
    const backOff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failed.get(nameOf(move))?.times ?? 0));
    try {
      const outcome = await handoff(this.#parts, move, (state) => this.#wants(state, move), abort.signal);
      if (!outcome.done) {
        const { retryIn = backOff, users = [] } = outcome;
        if (abort.signal.aborted || (await this.#leave(move, users))) return { retryIn: 0, heldByUsers: false };
        return { retryIn, heldByUsers: users.length > 0 };
      }
      this.#walker.onMoved(outcome.timings);
      return undefined;
    } catch (error) {
      if (error instanceof SupersededError) throw error;
      this.#parts.onError(error);
      const isStuck = (await recover(this.#parts, 'the state could not be written')) === 'stuck';
      return { retryIn: isStuck ? 0 : backOff, heldByUsers: false };
    } finally {
      this.#handoff = undefined;
    }
  }

  /** Leaves behind whose writes alone were in the way of a move. False if that changes nothing. */
  async #leave(move: Move, users: readonly string[]): Promise<boolean> {
    if (!this.#walker.leavesBehind) return false;
    const { cell } = this.#parts;
    const before = cell.current;
    this.#behind.left(users, performance.now());
    const inputs = { users, subject: move.subject, to: move.to };
    const reason = `${saySubject(move.subject)} moves without ${users.length} users whose writes are under way`;
    const about = { capability: cell.capability, event: 'left-behind', actor: 'control', reason, inputs };
    return (await cell.update((state) => leftBehind(state, users), { record: about })) !== before;
  }

  /** Lets users follow whose writes must have ended by now. False if the store failed. */
  async #recall(): Promise<boolean> {
    const { cell } = this.#parts;
    const due = this.#behind.due(cell.current, performance.now());
    return !due.length || this.#stored(() => cell.update((state) => following(state, due)));
  }

  #wants(state: CapabilityState, move: Move): boolean {
    return movesOf(state, this.#slice, this.#walker.bucket).some((one) => isDeepStrictEqual(one, move));
  }

  /** Stores something; false if the store failed. Throws SupersededError. */
  async #stored(task: () => Promise<unknown>): Promise<boolean> {
    try {
      await task();
      return true;
    } catch (error) {
      if (error instanceof SupersededError) throw error;
      this.#parts.onError(error);
      return false;
    }
  }
}
