import { describe, expect, test } from '@jest/globals';
import { chanceOf } from '../e2e/chance.ts';
import { UserSample } from './user-sample.ts';

function sample() {
  const chance = chanceOf(1, 'user-sample');
  return new UserSample(() => chance.between(0, 1));
}
const of = (user: number, requests: number, errors = 0, hard = 0) => ({
  ...{ requests, errors, hard },
  users: [[user, requests, errors, hard] as const],
});

describe('the requests that are looked at', () => {
  test('are all, of users who come once in a while', () => {
    const looking = sample();
    const drawn = { requests: 0, errors: 0 };
    for (let user = 0; user < 1_000; user++) {
      const { requests, errors } = looking.draw(of(user, 1, user % 10 === 0 ? 1 : 0), user * 100);
      drawn.requests += requests;
      drawn.errors += errors;
    }
    expect(drawn).toEqual({ requests: 1_000, errors: 100 });
  });

  test('of one who tries every second, some four at once and then one a minute, whether they fail or not', () => {
    for (const errors of [0, 1]) {
      const looking = sample();
      let [first, later] = [0, 0];
      for (let second = 0; second < 3_600; second++) {
        const { requests } = looking.draw(of(7, 1, errors), second * 1_000);
        if (second < 60) first += requests;
        else later += requests;
      }
      expect(first).toBeGreaterThanOrEqual(2);
      expect(first).toBeLessThanOrEqual(9);
      expect(later).toBeGreaterThan(35);
      expect(later).toBeLessThan(100);
    }
  });

  test('fail as often as all do, of busy users too', () => {
    const looking = sample();
    const drawn = { requests: 0, errors: 0, hard: 0 };
    for (let at = 0; at < 3_600_000; at += 500)
      for (let user = 0; user < 50; user++) {
        const { requests, errors, hard } = looking.draw(of(user, 10, 4, 2), at);
        drawn.requests += requests;
        drawn.errors += errors;
        drawn.hard += hard;
      }
    expect(drawn.requests).toBeGreaterThan(2_000);
    expect(drawn.errors / drawn.requests).toBeCloseTo(0.4, 1);
    expect(drawn.hard / drawn.requests).toBeCloseTo(0.2, 1);
  });

  test('are all of those whose users are not told apart; and none is made up, however many there are', () => {
    const all = { requests: 10, errors: 3, hard: 1 };
    expect(sample().draw(all, 0)).toEqual(all);
    const { requests, errors } = sample().draw(of(7, 1e9, 1e9, 1e9), 0);
    expect(requests).toBeLessThan(20);
    expect(errors).toBe(requests);
  });
});
