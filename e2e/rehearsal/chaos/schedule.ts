import type { Chance } from '../../chance.ts';

/** A kill to come: at which share of the purchases (0…1), and the victim’s place in the list. */
export type Planned = { readonly share: number; readonly victim: number };

/** Kills begin when the first users have moved, and end early enough for the last one to heal under traffic. */
const FIRST = 0.08;
const LAST = 0.85;
/** From one kill to the next, on average: much less, and no wound heals before the next one. */
const SECONDS_BETWEEN = 12;

/** How many seconds the purchases must be spread over for so many kills. */
export const secondsFor = (kills: number): number => Math.ceil((kills * SECONDS_BETWEEN) / (LAST - FIRST));

/**
 * Kills at moments that chance decides: one in each of `kills` equal stretches, and nobody is
 * killed a second time before everybody was killed once.
 */
export function schedule(chance: Chance, kills: number, victims: number): Planned[] {
  const stretch = (LAST - FIRST) / kills;
  let deck: number[] = [];
  return Array.from({ length: kills }, (_, nth) => {
    if (!deck.length) deck = Array.from({ length: victims }, (_, at) => at);
    const [victim] = deck.splice(chance.below(deck.length), 1) as [number];
    return { share: FIRST + (nth + chance.between(0, 1)) * stretch, victim };
  });
}
