import { expect, test } from '@jest/globals';
import { type Moment, suspicions } from './suspicion.ts';

const STAFF = { relation: 'elsewhere', route: 'POST /admin/hide' } as const;
const OTHERS = { relation: 'other-user', route: 'POST /comments' } as const;
/** An hour in which staff were at work for two seconds and somebody commented for half of the time. */
const HOUR = 3_600_000;
const useOf = (route: string) => ({ count: 1, busy: route === STAFF.route ? 2_000 : HOUR / 2 });
const moment = (...suspects: Moment['suspects'][number][]): Moment => ({ changes: 1, suspects });

test('who was there every time, and seldom else, is likely to have done it', () => {
  const moments = [moment(STAFF, OTHERS), moment(STAFF), moment(STAFF, OTHERS)];
  expect(suspicions(moments, useOf, HOUR)).toEqual([{ suspect: STAFF, moments: [0, 1, 2] }]);
});

test('who is always there is not suspected: what is left was nobody in particular', () => {
  const moments = [moment(OTHERS), moment(), moment(OTHERS), moment(STAFF, OTHERS)];
  expect(suspicions(moments, useOf, HOUR)).toEqual([
    { suspect: STAFF, moments: [3] },
    { suspect: undefined, moments: [0, 1, 2] },
  ]);
});
