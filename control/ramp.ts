import type { RampState } from '@strangler/plan';

/** What is wanted of a capability: the ramp, where it sends users (0…10000), how long a step is watched (ms). */
export type Wanted = { readonly ramp: RampState; readonly target: number; readonly dwell: number };

/** What happens to a ramp. `at` is where users are, or will be when the handoff under way has ended: 0…10000. */
export type RampEvent =
  | { readonly type: 'start'; readonly steps: readonly number[]; readonly dwell: number; readonly at: number }
  | { readonly type: 'pause'; readonly reason: string; readonly at: number }
  | { readonly type: 'resume'; readonly at: number }
  /** An operator asks for a percentage; `flag`: a person moved the flag, so it needs no writing. */
  | { readonly type: 'set' | 'flag'; readonly percentage: number; readonly reason: string }
  | { readonly type: 'rollback'; readonly urgent: boolean; readonly reason: string }
  /** Everybody is where the target wants them. */
  | { readonly type: 'arrived'; readonly at: number }
  /**
   * The judge on the present step, `dwelt` ms after it began; `passing`: for how long it has been passing, ms, undefined if
   * it is not; `open`: no gate is closed.
   */
  | {
      readonly type: 'judged';
      readonly passing: number | undefined;
      readonly dwelt: number;
      readonly open: boolean;
      readonly at: number;
    };

/** What must be done because of a transition. */
export type Effect =
  | { readonly kind: 'flag'; readonly percentage: number; readonly reason: string }
  | { readonly kind: 'webhook'; readonly reason: string };

/** A transition: what is wanted now, its name in the decision records, and its effects. */
export type RampTransition = {
  readonly wanted: Wanted;
  readonly event: string;
  readonly reason: string;
  readonly effects: readonly Effect[];
};

/** A step that is watched for longer has been passed once it has been passing for so long, ms: a good moment is luck. */
const PASSES_AFTER_MS = 60_000;

/** Buckets of a percentage: 12.34 → 1234. */
export const toBuckets = (percentage: number): number => Math.round(percentage * 100);

const refuse = (refused: string) => ({ refused });
const flag = (percentage: number, reason: string): Effect => ({ kind: 'flag', percentage, reason });

/**
 * The ramp: undefined when the event changes nothing, `refused` with the reason when it may not happen now. Once it
 * rolls back, nothing leads anywhere but to everybody on the monolith.
 */
export function transition(
  wanted: Wanted,
  event: RampEvent,
  now: string,
): RampTransition | { refused: string } | undefined {
  const { ramp } = wanted;
  const becomes = (
    next: RampState,
    target: number,
    event: string,
    reason: string,
    ...effects: Effect[]
  ): RampTransition => ({
    wanted: { ...wanted, ramp: next, target },
    event,
    reason,
    effects,
  });
  switch (event.type) {
    case 'start': {
      if (ramp.state === 'ramping') return refuse('a ramp is under way already; pause it first, or set a percentage');
      if (ramp.state === 'rolling-back') return refuse('users are on their way back; start again when it has ended');
      const steps = event.steps.filter((step) => toBuckets(step) > event.at);
      if (!steps.length) return refuse(`no step lies above the present ${event.at / 100} %`);
      const reason = `to ${steps.join(', ')} %`;
      const started = becomes({ state: 'ramping', steps, step: 0, since: now }, toBuckets(steps[0]!), 'start', reason);
      return {
        ...started,
        wanted: { ...started.wanted, dwell: event.dwell },
        effects: [flag(steps[0]!, 'ramp started')],
      };
    }
    case 'pause':
      if (ramp.state === 'paused') return undefined;
      if (ramp.state !== 'ramping') return refuse(`there is no ramp to pause: it is ${ramp.state}`);
      return becomes(paused(ramp, event.reason), event.at, 'pause', event.reason);
    case 'resume': {
      if (ramp.state === 'ramping') return undefined;
      if (ramp.state !== 'paused') return refuse(`there is no ramp to resume: it is ${ramp.state}`);
      const step = ramp.steps.findIndex((percentage) => toBuckets(percentage) >= event.at);
      if (step < 0) return becomes({ state: 'complete' }, event.at, 'complete', 'every step lies behind');
      const to = ramp.steps[step]!;
      const resumed: RampState = { state: 'ramping', steps: ramp.steps, step, since: now };
      return becomes(resumed, toBuckets(to), 'resume', `at step ${to} %`, flag(to, 'ramp resumed'));
    }
    case 'set':
    case 'flag': {
      const target = toBuckets(event.percentage);
      const written = event.type === 'set' ? [flag(event.percentage, event.reason)] : [];
      if (ramp.state === 'rolling-back') {
        if (event.type === 'set')
          return target ? refuse('users are on their way back; set again when it has ended') : undefined;
        if (!target) return undefined;
        return becomes(ramp, 0, 'flag', `flag moved to ${event.percentage} % during a rollback`, flag(0, ramp.reason));
      }
      const running = ramp.state === 'ramping' || ramp.state === 'paused';
      const next: RampState = running ? paused(ramp, event.reason) : { state: 'idle' };
      return becomes(next, target, event.type, event.reason, ...written);
    }
    case 'rollback': {
      if (ramp.state === 'rolling-back' && (ramp.urgent || !event.urgent)) return undefined;
      const next: RampState = { state: 'rolling-back', reason: event.reason, urgent: event.urgent };
      return becomes(next, 0, 'rollback', event.reason, flag(0, event.reason), {
        kind: 'webhook',
        reason: event.reason,
      });
    }
    case 'arrived':
      if (ramp.state === 'rolling-back' && event.at === 0) {
        return becomes({ state: 'rolled-back', reason: ramp.reason }, 0, 'rolled-back', ramp.reason);
      }
      if (ramp.state !== 'ramping' || event.at !== wanted.target) return undefined;
      return becomes({ ...ramp, since: now }, wanted.target, 'reached', `${event.at / 100} %`);
    case 'judged': {
      if (ramp.state !== 'ramping' || event.at !== wanted.target) return undefined;
      if (event.passing === undefined || !event.open || event.dwelt < wanted.dwell) return undefined;
      if (event.passing < Math.min(wanted.dwell, PASSES_AFTER_MS)) return undefined;
      const to = ramp.steps[ramp.step + 1];
      if (to === undefined) return becomes({ state: 'complete' }, wanted.target, 'complete', `${event.at / 100} %`);
      const next: RampState = { ...ramp, step: ramp.step + 1, since: now };
      return becomes(
        next,
        toBuckets(to),
        'step',
        `${event.at / 100} % passed`,
        flag(to, `step ${event.at / 100} % passed`),
      );
    }
  }
}

function paused(ramp: RampState & { state: 'ramping' | 'paused' }, reason: string): RampState {
  return { state: 'paused', reason, steps: ramp.steps, step: ramp.step };
}
