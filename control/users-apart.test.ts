import { describe, expect, test } from '@jest/globals';
import { Breadth, FairShare, MostFailing, OnceAUser, REMEMBERED_MS } from './users-apart.ts';

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
    const side = new MostFailing(REMEMBERED_MS.lately);
    expect(side.leaveOut(of([7, 1, 1, 1], [8, 1, 0, 0]), 0)).toEqual(of([7, 1, 1, 1], [8, 1, 0, 0]));
    expect(side.leaveOut(of([7, 5, 3, 1], [8, 2, 1, 0]), 100)).toEqual(of([8, 2, 1, 0]));
    // Another one fails more now.
    side.leaveOut(of([9, 9, 9, 9]), 200);
    expect(side.leaveOut(of([7, 1, 1, 0], [9, 1, 1, 0]), 300)).toEqual(of([7, 1, 1, 0]));
  });

  test('of many who all fail, nearly everything is left', () => {
    const side = new MostFailing(REMEMBERED_MS.lately);
    let left = 0;
    for (let nth = 0; nth < 5_000; nth++) left += side.leaveOut(of([nth % 50, 1, 1, 0]), nth * 20).errors;
    expect(left).toBeGreaterThan(4_800);
  });

  test('who is alone and goes on failing is not left out for ever, whoever has been there before', () => {
    const side = new MostFailing(REMEMBERED_MS.lately);
    side.leaveOut(of([7, 1, 1, 0]), 0);
    expect(side.leaveOut(of([7, 1, 1, 0]), 299_999).requests).toBe(0);
    expect(side.leaveOut(of([7, 1, 1, 0]), 300_000).requests).toBe(1);
    side.leaveOut(of([8, 50, 0, 0]), 300_001);
    expect(side.leaveOut(of([7, 1, 1, 0]), 300_002).requests).toBe(0);
    expect(side.leaveOut(of([7, 1, 1, 0]), 600_001).requests).toBe(1);
  });

  test('failures are broad if five users of the newest twenty have them, or half of those who come', () => {
    const isBroad = (of: Breadth, now: number) => of.read(now).users >= of.read(now).needed;
    const broad = new Breadth();
    for (let user = 0; user < 20; user++) broad.note(of([user, 3, 0, 0]), user);
    for (let user = 0; user < 4; user++) broad.note(of([user, 1, 1, 0]), 100);
    expect(isBroad(broad, 100)).toBe(false);
    broad.note(of([4, 1, 1, 0]), 200);
    expect(isBroad(broad, 200)).toBe(true);
    broad.note(of([0, 30, 30, 0]), 300);
    expect(isBroad(broad, 300)).toBe(false);

    const few = new Breadth();
    for (let user = 0; user < 3; user++) few.note(of([user, 3, 0, 0]), user);
    few.note(of([0, 9, 9, 0]), 60_000);
    expect(isBroad(few, 60_000)).toBe(false);
    few.note(of([1, 1, 1, 0]), 60_100);
    expect(isBroad(few, 60_100)).toBe(true);
    // Others come.
    for (let user = 10; user < 20; user++) few.note(of([user, 1, 0, 0]), 700_000);
    expect(isBroad(few, 700_000)).toBe(false);
  });

  test('in the first minute it is not known who comes, and nobody decides alone before five minutes', () => {
    const broad = new Breadth();
    broad.note(of([7, 50, 50, 50]), 0);
    expect(broad.read(59_999)).toEqual({ users: 1, needed: 5 });
    expect(broad.read(60_000)).toEqual({ users: 1, needed: 2 });
    expect(broad.read(300_000)).toEqual({ users: 1, needed: 1 });
    broad.note(of([8, 1, 0, 0]), 300_000);
    expect(broad.read(300_000)).toEqual({ users: 1, needed: 2 });
  });

  test('who comes again and again stays known, however long', () => {
    const broad = new Breadth();
    for (let at = 0; at < 1_300_000; at += 1_000) {
      broad.note(of(...Array.from({ length: 10 }, (_, user): User => [user, 1, 0, 0])), at);
      expect(broad.read(at).needed).toBe(5);
    }
  });

  test('users whom a proxy does not tell apart are many, and their failures count', () => {
    const broad = new Breadth();
    broad.note({ requests: 10, errors: 5, hard: 0 }, 0);
    expect(broad.read(0)).toEqual({ users: 5, needed: 5 });
    const untold = { requests: 10, errors: 4, hard: 1 };
    expect(new MostFailing(REMEMBERED_MS.lately).leaveOut(untold, 0)).toEqual(untold);
    const some = { requests: 300, errors: 30, hard: 3, users: [[7, 1, 1, 0] as const] };
    expect(new OnceAUser().count(some, 0)).toEqual({ requests: 300, errors: 30, hard: 3 });
    expect(new FairShare().admit(some, 0)).toEqual(some);
  });

  test('of one user no more requests count than of others, however they ended, and of all who come alike all do', () => {
    const alike = new FairShare();
    for (let at = 0; at < 60_000; at += 100)
      for (const each of [of([1, 2, 0, 0], [2, 2, 1, 1])]) expect(alike.admit(each, at)).toEqual(each);

    const fair = new FairShare();
    let [busy, others] = [0, 0];
    for (let at = 0; at < 300_000; at += 100) {
      const { users } = fair.admit(of([7, 20, 0, 0], [8 + ((at / 1_000) % 50), at % 1_000 ? 0 : 1, 0, 0]), at);
      busy += users![0]![1];
      others += users![1]![1];
    }
    expect(others).toBe(300);
    expect(busy).toBeLessThan(100);
    expect(fair.admit(of([7, 20, 20, 20]), 301_000).errors).toBeLessThanOrEqual(5);
  });

  test('what counts of a user has the same share of errors as the rest, on average', () => {
    const fair = new FairShare();
    for (let user = 0; user < 100; user++) fair.admit(of([user, 1, 0, 0]), 0);
    let [requests, errors, hard] = [0, 0, 0];
    for (let user = 1_000; user < 3_000; user++) {
      const counted = fair.admit(of([user, 10, 1, user % 2]), 1);
      [requests, errors, hard] = [requests + counted.requests, errors + counted.errors, hard + counted.hard];
    }
    expect(requests).toBe(10_000);
    expect(Math.abs(errors - 1_000)).toBeLessThan(100);
    expect(Math.abs(hard - 500)).toBeLessThan(100);
  });
});
