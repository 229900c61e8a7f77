import { describe, expect, test } from '@jest/globals';
import { above, worseThan } from './sequential.ts';

const of = (requests: number, errors: number) => ({ requests, errors });

describe('sequential tests', () => {
  test('equal rates are no evidence', () => {
    expect(worseThan(of(1_000, 50), of(1_000, 50))).toBeLessThan(1);
    expect(above(of(1_000, 50), 0.05)).toBeLessThan(1);
  });

  test('evidence grows with errors and falls with errors of the other side', () => {
    expect(worseThan(of(100, 20), of(900, 2))).toBeGreaterThan(worseThan(of(100, 10), of(900, 2)));
    expect(worseThan(of(100, 20), of(900, 2))).toBeGreaterThan(worseThan(of(100, 20), of(900, 20)));
  });

  test('one side alone is no comparison', () => {
    expect(worseThan(of(100, 100), of(0, 0))).toBe(0);
    expect(worseThan(of(0, 0), of(100, 0))).toBe(0);
  });

  test('huge counts stay finite', () => {
    expect(Number.isFinite(worseThan(of(1e6, 1e6), of(1e6, 0)))).toBe(true);
  });

  test('the ends of the scale: a limit of nothing forbids one error, a limit of everything allows all', () => {
    expect([above(of(10, 1), 0), above(of(10, 0), 0), above(of(10, 10), 1)]).toEqual([Number.POSITIVE_INFINITY, 0, 0]);
  });
});
