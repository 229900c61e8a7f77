import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chanceOf } from '../../chance.ts';
import { schedule, secondsFor } from './schedule.ts';

const chances = (seed: number) => chanceOf(seed, 'chaos');

describe('the schedule of kills', () => {
  test('the seed decides it', () => {
    expect(schedule(chances(7), 9, 9)).toEqual(schedule(chances(7), 9, 9));
    expect(schedule(chances(7), 9, 9)).not.toEqual(schedule(chances(8), 9, 9));
  });

  test('kills come one after another, all of them while there is traffic before and after', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (seed, kills) => {
        const shares = schedule(chances(seed), kills, 9).map(({ share }) => share);
        expect(shares).toHaveLength(kills);
        expect(shares).toEqual(shares.toSorted((a, b) => a - b));
        expect(shares[0]).toBeGreaterThanOrEqual(0.08);
        expect(shares.at(-1)).toBeLessThan(0.85);
      }),
    );
  });

  test('leaves twelve seconds on average for each wound', () => {
    expect(secondsFor(1)).toBe(16);
    const kills = schedule(chances(7), 9, 9);
    const first = kills[0]!.share * secondsFor(9);
    const last = kills.at(-1)!.share * secondsFor(9);
    expect((last - first) / 8).toBeGreaterThan(10);
  });

  test('nobody is killed twice before everybody was killed once', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 12 }), (seed, victims) => {
        const killed = schedule(chances(seed), 2 * victims, victims).map(({ victim }) => victim);
        expect(new Set(killed.slice(0, victims)).size).toBe(victims);
        expect(new Set(killed.slice(victims)).size).toBe(victims);
      }),
    );
  });
});
