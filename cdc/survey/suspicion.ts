import type { Suspect } from './explain.ts';
import type { RouteUse } from './heard-writes.ts';

/** Changes of one kind made by one transaction, and what was under way then. */
export type Moment = { readonly changes: number; readonly suspects: readonly Suspect[] };

/** Moments that one suspect is likely to have made; `suspect` undefined: nobody in particular. */
export type Suspicion = { readonly suspect: Suspect | undefined; readonly moments: readonly number[] };

/** Something is no coincidence if it was there so many times as often as chance would have it. */
const TIMES_CHANCE = 3;

/**
 * Who made these changes? Whoever was under way at more of the moments than by chance, which is the share of all time in
 * which that route was busy; the moments that explains are taken out, and the rest is asked about again.
 */
export function suspicions(
  moments: readonly Moment[],
  useOf: (route: string) => RouteUse,
  milliseconds: number,
): Suspicion[] {
  const found: Suspicion[] = [];
  let left = moments.map((_, at) => at);
  while (left.length) {
    const best = likeliest(left, moments, useOf, milliseconds);
    const taken = best ? left.filter((at) => moments[at]!.suspects.some((one) => isSame(one, best))) : left;
    found.push({ suspect: best, moments: taken });
    const gone = new Set(taken);
    left = left.filter((at) => !gone.has(at));
  }
  return found;
}

const isSame = (a: Suspect, b: Suspect): boolean => a.relation === b.relation && a.route === b.route;

function likeliest(
  left: readonly number[],
  moments: readonly Moment[],
  useOf: (route: string) => RouteUse,
  milliseconds: number,
): Suspect | undefined {
  const seen = new Map<string, { suspect: Suspect; times: number }>();
  for (const at of left) {
    const here = new Map(moments[at]!.suspects.map((one) => [`${one.relation} ${one.route}`, one]));
    for (const [name, suspect] of here) {
      const known = seen.get(name) ?? { suspect, times: 0 };
      known.times++;
      seen.set(name, known);
    }
  }
  let best: { suspect: Suspect; beyond: number } | undefined;
  for (const { suspect, times } of seen.values()) {
    const chance = Math.min(1, useOf(suspect.route).busy / milliseconds) * left.length;
    const beyond = times - chance;
    if (times > TIMES_CHANCE * chance && beyond > (best?.beyond ?? 0)) best = { suspect, beyond };
  }
  return best?.suspect;
}
