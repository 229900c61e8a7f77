import { expect, test } from '@jest/globals';
import { mayFollow } from './snapshot-order.ts';

test.each([
  ['the first snapshot', undefined, { term: 0, version: 0 }, true],
  ['a later version of the same control', { term: 3, version: 4 }, { term: 3, version: 5 }, true],
  ['the same snapshot on another connection', { term: 3, version: 4 }, { term: 3, version: 4 }, true],
  ['an earlier version of the same control', { term: 3, version: 4 }, { term: 3, version: 3 }, false],
  ['the first version of the control that took over', { term: 3, version: 40 }, { term: 4, version: 1 }, true],
  ['any version of a control that was overtaken', { term: 4, version: 1 }, { term: 3, version: 99 }, false],
])('%s', (_, present, next, follows) => {
  expect(mayFollow(present, next)).toBe(follows);
});
