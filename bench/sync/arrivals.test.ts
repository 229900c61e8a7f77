import { describe, expect, test } from '@jest/globals';
import { Arrivals } from './arrivals.ts';

describe('arrivals', () => {
  test('a latency goes from the commit to the first sight', () => {
    const arrivals = new Arrivals();
    arrivals.commit(1, 100);
    arrivals.see(1, 118);
    arrivals.see(1, 140);
    expect(arrivals.latencies).toEqual([18]);
    expect(arrivals.missing).toBe(0);
  });

  test('a row seen before its commit was answered took no time', () => {
    const arrivals = new Arrivals();
    arrivals.see(1, 99);
    arrivals.commit(1, 100);
    expect(arrivals.latencies).toEqual([0]);
  });

  test('what has not been seen is missing and has no latency', () => {
    const arrivals = new Arrivals();
    arrivals.commit(1, 100);
    arrivals.commit(3, 101);
    arrivals.see(3, 110);
    expect(arrivals.missing).toBe(1);
    expect(arrivals.latencies).toEqual([9]);
  });
});
