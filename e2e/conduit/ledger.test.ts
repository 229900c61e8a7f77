import { expect, test } from '@jest/globals';
import { Value } from './ledger.ts';

test('what nobody was told about may be so or not, until another answer says it', () => {
  const value = new Value('a');
  value.write('b', 'unknown');
  value.write('c', 'refused');
  expect(['a', 'b', 'c'].map((one) => value.may(one))).toEqual([true, true, false]);
  expect([value.last, value.sure]).toEqual(['a', false]);
  value.write('d', 'acknowledged');
  expect(['a', 'b', 'd'].map((one) => value.may(one))).toEqual([false, false, true]);
  expect(value.sure).toBe(true);
});
