import type { Moving } from '@strangler/plan';
import { force } from './force.ts';
import {
  type HandoffOutcome,
  type HandoffParts,
  RETRY_MS,
  record,
  sayMove,
  since,
  unaccounted,
} from './handoff-parts.ts';
import { flipped, holding, idle, type Move, restsOnService, rowOf } from './handoff-state.ts';
import { Notify } from './notify.ts';
import { readiness } from './readiness.ts';
import { recover } from './recover.ts';
import type { CapabilityState } from './state.ts';
import { SupersededError } from './stored-state.ts';

/** Share of the hold after which a handoff is cancelled, so that held writes are released before they time out. */
const HOLD_SHARE = 0.8;
/** How long an urgent handoff waits for acknowledgements, ms. */
const URGENT_ACK_MS = 75;
/** Between two looks for the barrier, ms. */
const POLL_MS = 2;

class Cancelled extends Error {
  readonly retryIn: number | undefined;
  /** Whose writes were in the way, if nothing else was. */
  readonly users: readonly string[];
  constructor(reason: string, { retryIn, users = [] }: { retryIn?: number; users?: readonly string[] } = {}) {
    super(reason);
    this.retryIn = retryIn;
    this.users = users;
  }
}

/**
 * Moves one subject from one side to the other: hold, drain, barrier, arrival, flip, grant, release (docs/how-it-works.md#a-handoff).
 * Nothing begins if `move` is not `wanted` any more. An urgent one does not drain, and goes by force when the service’s
 * database lets it wait longer than `forceAfter`, or at once if another handoff is stuck there. Aborting `signal`
 * cancels it unless it has flipped.
 * Throws SupersededError when another control has taken over; any other failure ends in a cancel or is retried.
 */
export async function handoff(
  parts: HandoffParts,
  move: Move,
  wanted: (state: CapabilityState) => boolean,
  signal: AbortSignal,
): Promise<HandoffOutcome> {
  const { cell } = parts;
  if (move.urgent && parts.sides && restsOnService(cell.current)) return force(parts, move, performance.now(), signal);
  const away = await serviceAway(parts, move, signal);
  if (away) return { done: false, reason: away };
  const began = performance.now();
  const { moving, unproven } = await cell.update((state) => (wanted(state) ? holding(state, move) : state));
  if (!moving) return { done: false, reason: 'something else is wanted by now', retryIn: 0 };
  const held = performance.now();
  const urgentFor = unproven.length ? 0 : parts.limits.forceAfter; // it has shown already that it does not answer
  const deadline = began + (move.urgent ? urgentFor : parts.limits.hold * HOLD_SHARE);
  let drained: { holdMs: number; drainMs: number };
  let arrivalMs: number;
  try {
    drained = await drain(parts, move, moving, deadline, signal);
    const barred = performance.now();
    await by(deadline, signal, barrier(parts, moving), 'the barrier could not be written');
    await arrival(parts, moving, deadline, signal);
    arrivalMs = performance.now() - barred;
    const grant = rowOf(cell.capability, moving, 'grant');
    // On the way back the grant is written where the state is: both in one transaction, so a rollback needs one database.
    const also = parts.sides && moving.to === 'monolith' ? { handoff: grant } : {};
    await cell.update((state) => flipped(state, moving.epoch), also);
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Cancelled)) parts.onError(error);
    if (move.urgent && parts.sides && !signal.aborted) return force(parts, move, held, signal);
    const must = await recover(parts, reason);
    if (must === 'grant') return { done: true, timings: since(held) };
    if (must === 'stuck') return { done: false, reason, retryIn: 0 };
    if (!(error instanceof Cancelled)) return { done: false, reason };
    const { retryIn, users } = error;
    return { done: false, reason, ...(retryIn !== undefined && { retryIn }), ...(users.length > 0 && { users }) };
  }
  try {
    if (parts.sides && moving.to === 'service') {
      const until = performance.now() + parts.limits.hold * HOLD_SHARE;
      const grant = parts.sides.write(rowOf(cell.capability, moving, 'grant'));
      await by(until, signal, grant, 'the grant could not be written');
    }
    parts.release(moving.epoch);
    const timings = { ...drained, arrivalMs, pauseMs: performance.now() - held };
    await cell.update(idle, {
      record: record(cell.capability, moving, 'handoff', sayMove(moving), {
        ...{ urgent: move.urgent, ...timings },
        ...(move.urgent && unaccounted(parts.proxies)),
      }),
    });
    return { done: true, timings };
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    parts.onError(error);
    if ((await recover(parts, 'the grant is completed')) === 'stuck') {
      return { done: false, reason: 'the grant could not be written', retryIn: 0 };
    }
    return { done: true, timings: since(held) };
  }
}

/**
 * Why a move away from the service had better not begin: once its users are held, only the service's log can let them go.
 * An urgent one goes by force then.
 */
async function serviceAway({ sides, limits, onError }: HandoffParts, move: Move, signal: AbortSignal) {
  if (!sides || move.urgent || move.from !== 'service') return undefined;
  try {
    const answer = sides.tick('service');
    await by(performance.now() + limits.hold * HOLD_SHARE, signal, answer, 'the service’s database does not answer');
    return undefined;
  } catch (error) {
    if (!signal.aborted) onError(error);
    return (error as Error).message;
  }
}

/** The result of `task`, or Cancelled at the deadline or when overtaken: a database that hangs must not outlast it. */
async function by<T>(deadline: number, signal: AbortSignal, task: Promise<T>, what: string): Promise<T> {
  task.catch(() => {}); // heard of, if it fails after the deadline
  const over = new Notify();
  const late = over.wait(Math.max(0, deadline - performance.now()), signal).then((): never => {
    throw new Cancelled(signal.aborted ? 'overtaken' : what);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    late.catch(() => {});
    over.wake();
  }
}

/** 1 and 2: every proxy holds new writes and has none under way. */
async function drain(parts: HandoffParts, move: Move, moving: Moving, deadline: number, signal: AbortSignal) {
  const { proxies, limits, cell } = parts;
  const start = performance.now();
  const version = proxies.publish();
  const held = () => proxies.views().every(({ lostAt, acked }) => lostAt !== undefined || acked >= version);
  await proxies.activity.until(held, move.urgent ? URGENT_ACK_MS : deadline - start, signal);
  const holdMs = performance.now() - start;
  if (signal.aborted) throw new Cancelled('overtaken');
  if (move.urgent) return { holdMs, drainMs: 0 };
  const about = { capability: cell.capability, epoch: moving.epoch, version, writeFate: limits.writeFate };
  const look = () => readiness(proxies.views(), about, performance.now());
  await proxies.activity.until(() => look().is !== 'waiting', deadline - performance.now(), signal);
  if (signal.aborted) throw new Cancelled('overtaken');
  const ready = look();
  if (ready.is === 'unknown') throw new Cancelled(ready.why, { retryIn: ready.ms, users: ready.users });
  if (ready.is === 'waiting') throw new Cancelled(ready.why, { users: ready.users });
  if (ready.is === 'lost') throw new Cancelled(ready.why);
  return { holdMs, drainMs: performance.now() - start - holdMs };
}

/** 3: the old side’s log gives the subject away. On the monolith together with the state, which fences an old control. */
async function barrier({ sides, cell }: HandoffParts, moving: Moving): Promise<void> {
  if (!sides) return;
  const row = rowOf(cell.capability, moving, 'barrier');
  if (row.side === 'service') await sides.write(row);
  else await cell.fence({ handoff: row });
}

/** 4: everything the old side acknowledged is on the new one. */
async function arrival({ sides }: HandoffParts, moving: Moving, deadline: number, signal: AbortSignal): Promise<void> {
  if (!sides) return;
  const answered = new Notify();
  let asking = false;
  let arrived = false;
  let failed = '';
  const look = async () => {
    asking = true;
    try {
      arrived = await sides.arrived(moving.to, moving.epoch);
    } catch (error) {
      failed = `: ${(error as Error).message}`;
      await answered.wait(RETRY_MS, signal);
    }
    asking = false;
    answered.wake();
  };
  for (;;) {
    if (signal.aborted) throw new Cancelled('overtaken');
    if (!asking) void look();
    // A database that hangs must not outlast the hold: the answer is awaited against the clock.
    await answered.until(() => !asking, deadline - performance.now(), signal);
    if (arrived) return;
    if (performance.now() >= deadline) throw new Cancelled(`the barrier did not arrive on the ${moving.to}${failed}`);
    if (!asking) await answered.wait(POLL_MS, signal);
  }
}
