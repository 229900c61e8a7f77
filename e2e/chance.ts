import { murmur3 } from '@strangler/plan';

/** Everything that is left to chance in a run, the same again for the same seed. */
export type Chance = {
  /** A number from `from` up to, not including, `to`. */
  between(from: number, to: number): number;
  /** A whole number from 0 up to, not including, `count`. */
  below(count: number): number;
  /** True with this probability. */
  happens(probability: number): boolean;
};

/** Chance from a seed and a name: two faults with one seed do not meet the same moments. Mulberry32. */
export function chanceOf(seed: number, name: string): Chance {
  let state = (murmur3(name) ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (from, to) => from + next() * (to - from),
    below: (count) => Math.floor(next() * count),
    happens: (probability) => next() < probability,
  };
}
