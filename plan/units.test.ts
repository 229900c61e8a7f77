import { describe, expect, test } from '@jest/globals';
import { parseDuration, parsePercentage, parseSize, sayDuration } from './units.ts';

describe('units', () => {
  test('read as people write them', () => {
    expect(['500ms', '2s', '1.5m', '1h', '1d'].map(parseDuration)).toEqual([500, 2_000, 90_000, 3_600_000, 86_400_000]);
    expect(['16KiB', '1MB', '10 B'].map(parseSize)).toEqual([16_384, 1_000_000, 10]);
    expect(['5%', '0.5 %', '100%'].map(parsePercentage)).toEqual([0.05, 0.005, 1]);
  });

  test('are nothing when they have no unit, a wrong one, or are out of range', () => {
    for (const text of ['2', 's', '-2s', '2 weeks', '2constructor']) expect(parseDuration(text)).toBeUndefined();
    for (const text of ['5', '101%', '-1%']) expect(parsePercentage(text)).toBeUndefined();
  });

  test('are said in the unit that reads best', () => {
    expect([340, 12_340, 240_000, 245_000].map(sayDuration)).toEqual(['340 ms', '12.3 s', '4 min', '4 min 5 s']);
  });
});
