import type { HandoffKind } from '@strangler/ledger';
import type { Moving } from '@strangler/plan';
import { type StateCell, SupersededError } from './cell.ts';
import { type ProxyView, readiness } from './readiness.ts';
import type { Sides } from './sides.ts';
import type { CapabilityState } from './state.ts';
import type { NewRecord } from './store.ts';
import { flipped, holding, idle, type Move, recovery, rowOf } from './transitions.ts';
import { Wake } from './wake.ts';

/** The proxies, as a handoff sees them. */
export interface Proxies {
  views(): readonly ProxyView[];
  /** Sends everybody a snapshot of the present state and gives its version. */
  publish(): number;
  /** Woken by every word of a proxy. */
  readonly words: Wake;
}

/** What one capability’s handoffs work with. `sides` is undefined when no tables move: then nothing needs to arrive. */
export type HandoffParts = {
  readonly cell: StateCell;
  readonly proxies: Proxies;
  readonly sides: Sides | undefined;
  /** Of the Plan, ms. */
  readonly limits: { readonly hold: number; readonly writeFate: number };
  /** The moving users are to be shown as moved: the next snapshot releases them. */
  readonly release: (epoch: number) => void;
  /** Hears of errors that are ridden out. */
  readonly trouble: (error: unknown) => void;
  /** Aborts when control stops. */
  readonly stopping: AbortSignal;
};

/** Milliseconds of one handoff; `pause` is what a held write waits at most. */
export type Timings = {
  readonly holdMs: number;
  readonly drainMs: number;
  readonly arrivalMs: number;
  readonly pauseMs: number;
};

/** How a handoff ended; a cancelled one may be tried again after `retryIn` ms, if that is known. */
export type Outcome =
  | { readonly done: true; readonly timings: Timings }
  | { readonly done: false; readonly reason: string; readonly retryIn?: number };

/** Share of the hold after which a handoff is cancelled, so that held writes are released before they time out. */
const PATIENCE = 0.8;
/** How long an urgent handoff waits for acknowledgements, ms. */
const URGENT_ACK = 75;
/** Between two looks for the barrier, ms. */
const LOOK = 2;
/** Before a database that failed is asked again, ms. */
const AGAIN = 200;
const MINUTE = 60_000;

class Cancelled extends Error {
  readonly retryIn: number | undefined;
  constructor(reason: string, retryIn?: number) {
    super(reason);
    this.retryIn = retryIn;
  }
}

/**
 * Moves one subject from one side to the other: hold, drain, barrier, arrival, flip, grant, release (design.md §4).
 * Nothing begins if `move` is not `wanted` any more. An urgent one does not drain and never gives up by itself. Aborting `signal` cancels it unless it has flipped.
 * Throws SupersededError when another control has taken over; any other trouble ends in a cancel or is ridden out.
 */
export async function handoff(
  parts: HandoffParts,
  move: Move,
  wanted: (state: CapabilityState) => boolean,
  signal: AbortSignal,
): Promise<Outcome> {
  const { cell } = parts;
  const began = performance.now();
  const { moving } = await cell.update((state) => (wanted(state) ? holding(state, move) : state));
  if (!moving) return { done: false, reason: 'something else is wanted by now', retryIn: 0 };
  const held = performance.now();
  const deadline = move.urgent ? Number.POSITIVE_INFINITY : began + parts.limits.hold * PATIENCE;
  let drained: { holdMs: number; drainMs: number };
  let arrivalMs: number;
  try {
    drained = await drain(parts, move, moving, deadline, signal);
    const barred = performance.now();
    await barrier(parts, move, moving, signal);
    await arrival(parts, moving, deadline, signal);
    arrivalMs = performance.now() - barred;
    const grant = rowOf(cell.capability, moving, 'grant');
    // On the way back the grant is written where the state is: both in one transaction, so a rollback needs one database.
    const also = parts.sides && moving.to === 'monolith' ? { handoff: grant } : {};
    await cell.update((state) => flipped(state, moving.epoch), also);
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Cancelled)) parts.trouble(error);
    if ((await recover(parts, reason)) === 'grant') return { done: true, timings: since(held) };
    const retryIn = error instanceof Cancelled ? error.retryIn : undefined;
    return { done: false, reason, ...(retryIn !== undefined && { retryIn }) };
  }
  try {
    if (parts.sides && moving.to === 'service') await parts.sides.write(rowOf(cell.capability, moving, 'grant'));
    parts.release(moving.epoch);
    const timings = { ...drained, arrivalMs, pauseMs: performance.now() - held };
    await cell.update(idle, {
      record: record(cell.capability, moving, 'handoff', sayMove(moving), { urgent: move.urgent, ...timings }),
    });
    return { done: true, timings };
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    parts.trouble(error);
    await recover(parts, 'the grant is completed');
    return { done: true, timings: since(held) };
  }
}

const since = (held: number): Timings => ({ holdMs: 0, drainMs: 0, arrivalMs: 0, pauseMs: performance.now() - held });

/** `8 % to 9 % to the service`, or `user 7 to the monolith`. */
const sayMove = ({ subject, to }: Moving): string => {
  const { lo, hi, user } = subject;
  return `${user === undefined ? `${lo / 100} % to ${hi / 100} %` : `user ${user}`} to the ${to}`;
};

const record = (capability: string, moving: Moving, event: string, reason: string, inputs: object): NewRecord => ({
  capability,
  event,
  actor: 'control',
  reason,
  inputs: { epoch: moving.epoch, subject: moving.subject, from: moving.from, to: moving.to, ...inputs },
});

/** 1 and 2: every proxy holds new writes and has none under way. */
async function drain(parts: HandoffParts, move: Move, moving: Moving, deadline: number, signal: AbortSignal) {
  const { proxies, limits, cell } = parts;
  const start = performance.now();
  const version = proxies.publish();
  const held = () => proxies.views().every(({ lostAt, acked }) => lostAt !== undefined || acked >= version);
  await proxies.words.until(held, move.urgent ? URGENT_ACK : deadline - start, signal);
  const holdMs = performance.now() - start;
  if (signal.aborted) throw new Cancelled('overtaken');
  if (move.urgent) return { holdMs, drainMs: 0 };
  const about = { capability: cell.capability, epoch: moving.epoch, version, writeFate: limits.writeFate };
  const look = () => readiness(proxies.views(), about, performance.now());
  await proxies.words.until(() => look().is !== 'waiting', deadline - performance.now(), signal);
  if (signal.aborted) throw new Cancelled('overtaken');
  const ready = look();
  if (ready.is === 'unknown') throw new Cancelled(ready.why, ready.ms);
  if (ready.is === 'waiting') throw new Cancelled(ready.why);
  return { holdMs, drainMs: performance.now() - start - holdMs };
}

/** 3: the old side’s log gives the subject away. On the monolith together with the state, which fences an old control. */
async function barrier(parts: HandoffParts, move: Move, moving: Moving, signal: AbortSignal): Promise<void> {
  const { sides, cell } = parts;
  if (!sides) return;
  const row = rowOf(cell.capability, moving, 'barrier');
  if (row.side === 'monolith') {
    await cell.update((state) => ({ ...state }), { handoff: row });
    return;
  }
  for (;;) {
    try {
      return await sides.write(row);
    } catch (error) {
      if (!move.urgent) throw error;
      parts.trouble(error);
      await parts.proxies.words.wait(AGAIN, signal);
      if (signal.aborted) throw new Cancelled('overtaken');
    }
  }
}

/** 4: everything the old side acknowledged is on the new one. */
async function arrival({ sides }: HandoffParts, moving: Moving, deadline: number, signal: AbortSignal): Promise<void> {
  if (!sides) return;
  const answered = new Wake();
  let asking = false;
  let arrived = false;
  let failed = '';
  const look = async () => {
    asking = true;
    try {
      arrived = await sides.arrived(moving.to, moving.epoch);
    } catch (error) {
      failed = `: ${(error as Error).message}`;
      await answered.wait(AGAIN, signal);
    }
    asking = false;
    answered.wake();
  };
  for (;;) {
    if (signal.aborted) throw new Cancelled('overtaken');
    if (!asking) void look();
    // A database that hangs must not outlast the hold: the answer is awaited against the clock.
    await answered.until(() => !asking, Math.min(deadline - performance.now(), MINUTE), signal);
    if (arrived) return;
    if (performance.now() >= deadline) throw new Cancelled(`the barrier did not arrive on the ${moving.to}${failed}`);
    if (!asking) await answered.wait(LOOK, signal);
  }
}

/**
 * Brings the stored phase to rest, after a crash or an error: what had not flipped is cancelled, in the old side’s log
 * first if that may know of it; what had flipped is granted. Repeats until the databases let it.
 */
export async function recover(parts: HandoffParts, reason: string): Promise<'none' | 'cancel' | 'grant'> {
  for (;;) {
    try {
      return await recoverOnce(parts, reason);
    } catch (error) {
      if (error instanceof SupersededError || parts.stopping.aborted) throw error;
      parts.trouble(error);
      await parts.proxies.words.wait(AGAIN, parts.stopping);
    }
  }
}

async function recoverOnce({ cell, sides, release }: HandoffParts, reason: string) {
  const state = await cell.settle();
  const must = recovery(state);
  const moving = state.moving;
  if (must === 'none' || !moving) return 'none';
  const kind: HandoffKind = must;
  const row = rowOf(cell.capability, moving, kind);
  const noted = record(cell.capability, moving, must === 'cancel' ? 'cancel' : 'handoff', reason, {});
  const needed = sides && (kind === 'grant' || (await sides.has(moving.from, moving.epoch, 'barrier')));
  if (needed && row.side === 'service') await sides.write(row);
  await cell.update(idle, { record: noted, ...(needed && row.side === 'monolith' && { handoff: row }) });
  release(moving.epoch);
  return must;
}
