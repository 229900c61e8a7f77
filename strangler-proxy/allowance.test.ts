import { expect, test } from '@jest/globals';
import { Allowance } from './allowance.ts';

const write = (user: string, side: 'monolith' | 'service' = 'service') => ({
  ...{ capability: 'orders', user, bucket: 0, side },
});

test('an allowance is of one address and side, and a user has part of it at that address only', () => {
  const allowance = new Allowance(3, 2);
  const free = [allowance.take(write('a'), '1.1.1.1'), allowance.take(write('a'), '1.1.1.1')];
  expect(allowance.isUsedUp(write('a'), '1.1.1.1')).toBe(true);
  expect(allowance.isUsedUp(write('a'), '2.2.2.2')).toBe(false);
  expect(allowance.isUsedUp(write('b'), '1.1.1.1')).toBe(false);
  allowance.take(write('b'), '1.1.1.1');
  expect(allowance.isUsedUp(write('c'), '1.1.1.1')).toBe(true);
  expect(allowance.isUsedUp(write('c', 'monolith'), '1.1.1.1')).toBe(false);
  free[0]!();
  free[0]!();
  expect(allowance.isUsedUp(write('a'), '1.1.1.1')).toBe(false);
  allowance.take(write('c'), '1.1.1.1');
  expect(allowance.isUsedUp(write('c'), '1.1.1.1')).toBe(true);
});

test('whoever has a /64 of IPv6 has one allowance for all of it', () => {
  const allowance = new Allowance(1, 1);
  allowance.take(write('a'), '2001:db8::1');
  expect(allowance.isUsedUp(write('b'), '2001:db8:0:0:ffff::2')).toBe(true);
  expect(allowance.isUsedUp(write('b'), '2001:db8:0:1::1')).toBe(false);
});
