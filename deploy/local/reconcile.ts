import type { Identity } from './process-identity.ts';

export type Phase = 'stopped' | 'waiting' | 'starting' | 'ready' | 'stopping' | 'resting' | 'failed';

/** What the supervisor knows of one part. Times are milliseconds of one clock. */
export interface PartState {
  readonly phase: Phase;
  /** When the phase began. */
  readonly since: number;
  /** The wish that is being fulfilled: each `up` is a new one and forgives earlier failures. */
  readonly wish?: number;
  readonly process?: Identity;
  /** When the server died or did not come up, of late. */
  readonly deaths: readonly number[];
  readonly restarts: number;
}

/** What is the case now. */
export interface Facts {
  readonly now: number;
  readonly wish: number | undefined;
  readonly alive: boolean;
  readonly answers: boolean;
  readonly needsReady: boolean;
}

export type Effect = 'start' | 'ask to stop' | 'kill';

export const limits = { start: 90_000, stop: 20_000, deaths: 5, deathsWithin: 120_000 } as const;

/** The rest before the nth start in a row: none, then 250 ms doubling to 8 s. */
export const restBefore = (deaths: number): number => (deaths <= 1 ? 0 : Math.min(8000, 250 * 2 ** (deaths - 2)));

export const unknownState = (now: number): PartState => ({ phase: 'stopped', since: now, deaths: [], restarts: 0 });

/** One step of one part towards what is wished. Pure: the same state and facts give the same step. */
export function step(state: PartState, facts: Facts): { state: PartState; effect?: Effect } {
  const enter = (phase: Phase, more: Partial<PartState> = {}): PartState => ({
    ...state,
    ...more,
    phase,
    since: facts.now,
  });
  if (facts.wish === undefined) {
    if (!facts.alive) return { state: state.phase === 'stopped' ? state : unknownState(facts.now) };
    return stopStep(state, facts);
  }
  if (state.wish !== facts.wish) {
    const phase = facts.alive || state.phase === 'stopping' ? state.phase : 'waiting';
    return step(enter(phase, { wish: facts.wish, deaths: [], restarts: 0 }), facts);
  }
  switch (state.phase) {
    case 'stopping':
      return facts.alive ? stopStep(state, facts) : { state: enter('waiting') };
    case 'failed':
      return { state };
    case 'stopped':
    case 'waiting':
      if (facts.alive) return { state: enter('starting') }; // adopted from the supervisor before
      return facts.needsReady ? { state: enter('starting'), effect: 'start' } : { state };
    case 'resting':
      if (facts.alive) return { state, effect: 'kill' };
      return facts.now - state.since < restBefore(state.deaths.length) ? { state } : { state: enter('waiting') };
    case 'starting':
    case 'ready':
      if (!facts.alive) return { state: afterDeath(state, facts.now) };
      if (state.phase === 'starting' && facts.answers) return { state: enter('ready') };
      if (state.phase === 'starting' && facts.now - state.since > limits.start) {
        return { state: afterDeath(state, facts.now), effect: 'kill' };
      }
      return { state };
  }
}

function stopStep(state: PartState, { now }: Facts): { state: PartState; effect?: Effect } {
  if (state.phase !== 'stopping') return { state: { ...state, phase: 'stopping', since: now }, effect: 'ask to stop' };
  return now - state.since > limits.stop ? { state, effect: 'kill' } : { state };
}

function afterDeath(state: PartState, now: number): PartState {
  const deaths = [...state.deaths.filter((time) => now - time < limits.deathsWithin), now];
  const phase = deaths.length >= limits.deaths ? 'failed' : 'resting';
  return { ...state, phase, since: now, deaths, restarts: state.restarts + 1 };
}
