import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, murmur3 } from './bucket.ts';
import { BUCKETS } from './words.ts';

describe('murmur3', () => {
  test('gives the published results of MurmurHash3_x86_32 with seed 0', () => {
    expect(murmur3('')).toBe(0);
    expect(murmur3('a')).toBe(0x3c2569b2);
    expect(murmur3('test')).toBe(0xba6bd213);
    expect(murmur3('Hello, world!')).toBe(0xc0363e43);
    expect(murmur3('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723);
  });
});

describe('bucketOf', () => {
  test('spreads users evenly, and always the same way', () => {
    const perPercent = new Array(100).fill(0);
    for (let user = 0; user < 100_000; user++) perPercent[Math.floor(bucketOf('shop', String(user)) / 100)]++;
    expect(Math.min(...perPercent)).toBeGreaterThan(850);
    expect(Math.max(...perPercent)).toBeLessThan(1_150);
    expect(bucketOf('shop', '42')).toBe(bucketOf('shop', '42'));
  });

  test('is a whole number from 0 to 9999 for any user', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (group, user) => {
        const bucket = bucketOf(group, user);
        return Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS;
      }),
    );
  });

  test('uses both halves: within one percent users fall on all of its hundred steps', () => {
    const steps = new Set<number>();
    for (let user = 0; user < 200_000; user++) steps.add(bucketOf('shop', String(user)) % 100);
    expect(steps.size).toBe(100);
  });
});
