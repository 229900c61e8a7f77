import { describe, expect, test } from '@jest/globals';
import { Breadth, MostFailing, OnceAUser } from './users-apart.ts';

type User = readonly [user: number, requests: number, errors: number, hard: number];
const of = (...users: User[]) => {
  const sum = (at: 1 | 2 | 3) => users.reduce((total, user) => total + user[at], 0);
  return { requests: sum(1), errors: sum(2), hard: sum(3), users };
};

describe('users told apart', () => {
  test('a user’s failures count once in half a minute', () => {
    const once = new OnceAUser();
    expect(once.count(of([7, 3, 2, 1], [8, 4, 0, 0]), 0)).toEqual({ requests: 6, errors: 1, hard: 1 });
    expect(once.count(of([7, 3, 2, 0], [8, 4, 1, 0]), 29_999)).toEqual({ requests: 5, errors: 1, hard: 0 });
    expect(once.count(of([7, 1, 1, 1]), 30_000)).toEqual({ requests: 1, errors: 1, hard: 1 });
    expect(once.count({ requests: 5, errors: 4, hard: 3 }, 30_000)).toEqual({ requests: 5, errors: 4, hard: 3 });
  });

  test('who has failed most is left out, good and bad, as soon as that is known', () => {
    const side = new MostFailing();
    expect(side.leaveOut(of([7, 1, 1, 1], [8, 1, 0, 0]), 0)).toEqual({ requests: 2, errors: 1, hard: 1 });
    expect(side.leaveOut(of([7, 5, 3, 1], [8, 2, 1, 0]), 100)).toEqual({ requests: 2, errors: 1, hard: 0 });
    // Another one fails more now.
    side.leaveOut(of([9, 9, 9, 9]), 200);
    expect(side.leaveOut(of([7, 1, 1, 0], [9, 1, 1, 0]), 300)).toEqual({ requests: 1, errors: 1, hard: 0 });
  });

  test('of many who all fail, nearly everything is left', () => {
    const side = new MostFailing();
    let left = 0;
    for (let nth = 0; nth < 5_000; nth++) left += side.leaveOut(of([nth % 50, 1, 1, 0]), nth * 20).errors;
    expect(left).toBeGreaterThan(4_800);
  });

  test('who is alone and goes on failing is not left out for ever', () => {
    const side = new MostFailing();
    side.leaveOut(of([7, 1, 1, 0]), 0);
    expect(side.leaveOut(of([7, 1, 1, 0]), 299_999).requests).toBe(0);
    expect(side.leaveOut(of([7, 1, 1, 0]), 300_000).requests).toBe(1);
    side.leaveOut(of([8, 50, 0, 0]), 300_001);
    expect(side.leaveOut(of([7, 1, 1, 0]), 300_002).requests).toBe(0);
  });

  test('failures are broad if five users of the newest twenty have them, or half of those who come', () => {
    const broad = new Breadth();
    for (let user = 0; user < 20; user++) broad.note(of([user, 3, 0, 0]), user);
    for (let user = 0; user < 4; user++) broad.note(of([user, 1, 1, 0]), 100);
    expect(broad.isBroad).toBe(false);
    broad.note(of([4, 1, 1, 0]), 200);
    expect(broad.isBroad).toBe(true);
    broad.note(of([0, 30, 30, 0]), 300);
    expect(broad.isBroad).toBe(false);

    const few = new Breadth();
    for (let user = 0; user < 3; user++) few.note(of([user, 3, 0, 0]), user);
    few.note(of([0, 9, 9, 0]), 100);
    expect(few.isBroad).toBe(false);
    few.note(of([1, 1, 1, 0]), 200);
    expect(few.isBroad).toBe(true);
    // Long after, others come.
    for (let user = 10; user < 20; user++) few.note(of([user, 1, 0, 0]), 700_000);
    expect(few.isBroad).toBe(false);
  });

  test('users whom a proxy of an earlier version does not tell apart are many', () => {
    const broad = new Breadth();
    broad.note({ requests: 10, errors: 4, hard: 0 }, 0);
    expect(broad.isBroad).toBe(true);
    expect(new MostFailing().leaveOut({ requests: 10, errors: 4, hard: 1 }, 0)).toEqual({
      ...{ requests: 10, errors: 4, hard: 1 },
    });
  });
});
