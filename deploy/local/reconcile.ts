import type { Identity } from './process-identity.ts';

export type Phase = 'stopped' | 'waiting' | 'starting' | 'ready' | 'stopping' | 'resting' | 'failed';

/** What the supervisor knows of one part. Times are milliseconds of a clock that never jumps. */
export interface PartState {
  readonly phase: Phase;
  /** When the phase began. */
  readonly since: number;
  /** The wish that is being fulfilled: each `up` is a new one and forgives earlier failures. */
  readonly wish?: number;
  readonly process?: Identity;
  /** Starts in a row after which it died without ever answering. */
  readonly failures: number;
  /** When it died, of late, whether it had answered or not. */
  readonly deaths: readonly number[];
  readonly restarts: number;
}

/** What is the case now. */
export interface Facts {
  readonly now: number;
  readonly wish: number | undefined;
  readonly alive: boolean;
  readonly answers: boolean;
  /** All parts that it needs are ready. */
  readonly needsReady: boolean;
  /** A part that needs it is to stop too and still lives: it goes first, so that it can take its leave. */
  readonly neededStill: boolean;
}

export type Effect = 'start' | 'ask to stop' | 'kill';

/**
 * When patience ends, in milliseconds and counts. A server that had answered and is killed comes back at once and many
 * times over, because tests do that; one that dies before it answers is given up soon.
 */
export const limits = { start: 120_000, stop: 20_000, failures: 5, deaths: 30, deathsWithin: 120_000 } as const;

/** The rest before a start after so many failed ones: none, then 250 ms doubling to 8 s. */
export const restAfter = (failures: number): number => (failures === 0 ? 0 : Math.min(8000, 125 * 2 ** failures));

export const unknownState = (now: number): PartState => ({
  phase: 'stopped',
  since: now,
  failures: 0,
  deaths: [],
  restarts: 0,
});

/** One step of one part towards what is wished. Pure: the same state and facts give the same step. */
export function step(state: PartState, facts: Facts): { state: PartState; effect?: Effect } {
  const { now, alive } = facts;
  const enter = (phase: Phase): PartState => ({ ...state, phase, since: now });
  if (facts.wish === undefined) {
    if (alive) return facts.neededStill ? { state } : stopStep(state, now);
    return { state: state.phase === 'stopped' ? state : unknownState(now) };
  }
  if (state.wish !== facts.wish) {
    const phase = alive || state.phase === 'stopping' ? state.phase : 'waiting';
    return step({ ...state, phase, since: now, wish: facts.wish, failures: 0, deaths: [], restarts: 0 }, facts);
  }
  switch (state.phase) {
    case 'stopping':
      return alive ? stopStep(state, now) : { state: enter('waiting') };
    case 'stopped':
    case 'waiting':
      if (alive) return { state: enter('starting') }; // adopted from the supervisor before
      return facts.needsReady ? { state: enter('starting'), effect: 'start' } : { state };
    case 'failed':
      return alive ? { state, effect: 'kill' } : { state };
    case 'resting':
      return now - state.since < restAfter(state.failures) ? { state } : { state: enter('waiting') };
    case 'ready':
      return { state: alive ? state : afterDeath(state, now, 0) };
    case 'starting':
      if (!alive) return { state: afterDeath(state, now, state.failures + 1) };
      if (facts.answers) return { state: { ...enter('ready'), failures: 0 } };
      return now - state.since > limits.start ? { state: enter('failed'), effect: 'kill' } : { state };
  }
}

function stopStep(state: PartState, now: number): { state: PartState; effect?: Effect } {
  if (state.phase !== 'stopping') return { state: { ...state, phase: 'stopping', since: now }, effect: 'ask to stop' };
  return now - state.since > limits.stop ? { state, effect: 'kill' } : { state };
}

function afterDeath(state: PartState, now: number, failures: number): PartState {
  const deaths = [...state.deaths.filter((time) => now - time < limits.deathsWithin), now];
  const hopeless = failures >= limits.failures || deaths.length >= limits.deaths;
  return {
    ...state,
    phase: hopeless ? 'failed' : 'resting',
    since: now,
    failures,
    deaths,
    restarts: state.restarts + 1,
  };
}
