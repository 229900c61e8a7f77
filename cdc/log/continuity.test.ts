import { describe, expect, test } from '@jest/globals';
import { ContinuityError, checkOffset, nextTick } from './continuity.ts';

describe('continuity', () => {
  test('ticks follow each other; the first may be any; a repeat changes nothing', () => {
    expect(nextTick(0, 41)).toBe(41);
    expect(nextTick(41, 42)).toBe(42);
    expect(nextTick(42, 42)).toBe(42);
  });

  test('a missing tick stops the stream (faults 66)', () => {
    expect(() => nextTick(42, 44)).toThrow(ContinuityError);
  });

  test('a topic that was truncated or recreated stops the stream', () => {
    expect(() => checkOffset('t', 5n, 0n, 9n)).not.toThrow();
    expect(() => checkOffset('t', 9n, 0n, 9n)).not.toThrow();
    expect(() => checkOffset('t', 5n, 6n, 9n)).toThrow(/begins at offset 6/);
    expect(() => checkOffset('t', 5n, 0n, 4n)).toThrow(/ends at offset 4/);
  });
});
