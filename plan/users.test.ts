import { expect, test } from '@jest/globals';
import { canonicalUser } from './users.ts';

test.each([
  ['text', 'Al@Shop.test', 'Al@Shop.test'],
  ['caseless', 'Al@Shop.test', 'al@shop.test'],
  ['integer', '007', '7'],
  ['integer', '-0', '0'],
  ['integer', '9007199254740993', '9007199254740993'],
  ['uuid', '550E8400-E29B-41D4-A716-446655440000', '550e8400-e29b-41d4-a716-446655440000'],
  ['uuid', '550e8400e29b41d4a716446655440000', '550e8400-e29b-41d4-a716-446655440000'],
] as const)('faults 82 a user that is %s has one text: %s is %s', (type, spelt, user) => {
  expect(canonicalUser(type, spelt)).toBe(user);
});

test.each([
  ['text', ''],
  ['integer', '7.0'],
  ['integer', '1e3'],
  ['integer', ' 7'],
  ['integer', 'NaN'],
  ['uuid', '550e8400-e29b-41d4-a716'],
] as const)('faults 82 what is no user that is %s is refused: %s', (type, spelt) => {
  expect(canonicalUser(type, spelt)).toBeUndefined();
});
