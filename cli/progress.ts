import type { CapabilityStatus } from '@strangler/plan';
import { bar } from './bar.ts';
import { sayBoundary, sayPercent } from './percent.ts';
import { inert } from './text.ts';

/** What was asked for: who asked, and the boundary (0…10000) at which it is done. */
export type Goal = { readonly kind: 'set' | 'ramp' | 'rollback'; readonly boundary: number };

/** How far it is: `taken` once control was seen to go for it. */
export type MoveProgress =
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'going'; readonly taken: boolean; readonly what: string };

/** Looks at a capability on its way to a goal. What happened before control took the goal up is not blamed on it. */
export function progressOf(one: CapabilityStatus, goal: Goal, taken: boolean): MoveProgress {
  const { ramp, target, boundary, phase, moving } = one;
  const still = phase === 'idle' && !moving;
  const takes = taken || (goal.kind === 'ramp' ? ramp.state === 'ramping' : target === goal.boundary);
  if (takes && goal.kind !== 'rollback' && (ramp.state === 'rolling-back' || ramp.state === 'rolled-back')) {
    return { state: 'failed', reason: `rolled back: ${inert(ramp.reason)}` };
  }
  if (takes && goal.kind === 'ramp' && ramp.state === 'paused') {
    return { state: 'failed', reason: `paused at ${sayBoundary(boundary)}: ${inert(ramp.reason)}` };
  }
  if (boundary === goal.boundary && target === goal.boundary && still) return { state: 'done' };
  const left = goal.kind === 'ramp' ? ramp.state === 'idle' : target !== goal.boundary;
  if (takes && left) return { state: 'failed', reason: `somebody asked for ${sayBoundary(target)} meanwhile` };
  return { state: 'going', taken: takes, what: whatIsDone(one) };
}

/** What happens now, or what it waits for. */
function whatIsDone({ moving, phase, ramp, boundary, target, gates, waitsFor, verdict }: CapabilityStatus): string {
  if (moving) {
    const { user, lo, hi } = moving.subject;
    const who = user === undefined ? `${sayBoundary(lo)} to ${sayBoundary(hi)}` : `user ${inert(user)}`;
    return `${phase === 'flipped' ? 'released' : 'moving'} ${who}`;
  }
  if (waitsFor.length) return `waits: ${firstOf(waitsFor)}`;
  if (target !== boundary) return 'begins';
  if (ramp.state !== 'ramping') return 'waits for control';
  const held = firstOf(gates);
  const step = `watching step ${ramp.step + 1} of ${ramp.steps.length} (${sayPercent(ramp.steps[ramp.step] ?? 0)})`;
  return held ? `${step}, waits: ${held}` : `${step}, judge ${verdict.verdict}: ${inert(verdict.reason)}`;
}

const firstOf = ([first, ...more]: readonly string[]): string =>
  first === undefined ? '' : inert(first) + (more.length ? ` (and ${more.length} more)` : '');

/** One line of progress: name, bar, from where to where, and what is done. `seconds` since it was asked. */
export function renderProgress(one: CapabilityStatus, goal: Goal, what: string, seconds: number): string {
  const route = `${sayBoundary(one.boundary)} → ${sayBoundary(goal.boundary)}`;
  return `${inert(one.capability)} ${bar(one.boundary, 20)} ${route}  ${seconds} s  ${what}`;
}
