import { expect, test } from '@jest/globals';
import { type FromProxy, MOST_TOLD_APART, murmur3 } from '@strangler/plan';
import { OutcomeTally } from './tally.ts';

const REFUSED = { status: 0, failed: true, hard: true, latency: 0 };
const SOMEBODY = { user: 'eve', isWrite: false, splits: true };
const writing = (user: string) => ({ user, isWrite: true, splits: true });
const FINE = { status: 200, failed: false, hard: false, latency: 5 };

function set() {
  const clock = { now: 5_000 };
  return { clock, tally: new OutcomeTally(() => clock.now) };
}

test('what was counted too long ago is dropped, but who has written is still told', () => {
  const { clock, tally } = set();
  for (let nth = 0; nth < 20; nth++) tally.add('orders', 'service', REFUSED, SOMEBODY);
  tally.add('orders', 'service', FINE, writing('ada'));
  clock.now += 9_999;
  tally.dropStale();
  tally.add('orders', 'service', REFUSED, SOMEBODY);
  clock.now += 1;
  tally.dropStale();
  tally.add('orders', 'service', FINE, writing('bob'));
  clock.now += 9_999;
  tally.dropStale();
  expect(tally.take()).toEqual({
    counts: [
      {
        ...{ capability: 'orders', side: 'service', requests: 1, errors: 0, hard: 0, clientErrors: 0, latency: 5 },
        ...{ users: [[murmur3('bob'), 1, 0, 0]], writers: ['ada', 'bob'] },
      },
    ],
    more: 0,
  });
  expect(tally.take()).toEqual({ counts: [], more: 0 });
});

test('writers are bounded, told in messages control takes, and nobody’s requests are counted twice', () => {
  const { tally } = set();
  const worst = (nth: number) => String(nth).padEnd(256, '\u0000');
  for (let nth = 0; nth < 10_003; nth++) tally.add('orders', 'service', FINE, writing(worst(nth)));
  tally.add('orders', 'service', FINE, writing(worst(0)));
  const { counts, more } = tally.take();
  expect(more).toBe(3);
  expect(new Set(counts.flatMap(({ writers }) => writers)).size).toBe(10_000);
  expect(counts.reduce((sum, { requests }) => sum + requests, 0)).toBe(10_004);
  for (const one of counts) {
    const message: FromProxy = { type: 'counts', counts: [one] };
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(1_048_576);
  }
});

test('a request without a user is not counted: it goes to the monolith, whoever sends it', () => {
  const { tally } = set();
  for (let nth = 0; nth < 30; nth++)
    tally.add('orders', 'monolith', REFUSED, { user: undefined, isWrite: false, splits: true });
  tally.add('orders', 'service', REFUSED, writing('ada'));
  expect(tally.take().counts).toMatchObject([{ side: 'service', requests: 1, errors: 1, hard: 1, writers: [] }]);
});

test('users who only did something wrong themselves are not told, and those who failed before others', () => {
  const { tally } = set();
  tally.add('orders', 'service', { ...FINE, status: 404 }, writing('ada'));
  for (let nth = 0; nth < 2 * MOST_TOLD_APART; nth++) tally.add('orders', 'service', FINE, writing(`u${nth}`));
  tally.add('orders', 'service', REFUSED, writing('bob'));
  const [counts] = tally.take().counts;
  expect(counts).toMatchObject({ requests: 2 * MOST_TOLD_APART + 2, errors: 1, clientErrors: 1 });
  expect(counts!.users).toHaveLength(MOST_TOLD_APART);
  expect(counts!.users!.map(([user]) => user)).toContain(murmur3('bob'));
  expect(counts!.users!.map(([user]) => user)).not.toContain(murmur3('ada'));
});

test('users are told apart, as many as fit', () => {
  const { tally } = set();
  for (const user of ['ada', 'bob', 'ada']) tally.add('orders', 'service', REFUSED, writing(user));
  tally.add('orders', 'service', { ...FINE, status: 500 }, writing('cy'));
  tally.add('orders', 'service', FINE, writing('cy'));
  expect(tally.take().counts).toMatchObject([
    {
      ...{ requests: 5, errors: 4, hard: 3 },
      users: [
        [murmur3('ada'), 2, 2, 2],
        [murmur3('bob'), 1, 1, 1],
        [murmur3('cy'), 2, 1, 0],
      ],
    },
  ]);
  for (let nth = 0; nth < 300; nth++) tally.add('orders', 'service', REFUSED, writing(`u${nth}`));
  tally.add('orders', 'service', FINE, writing('u0'));
  const [counts] = tally.take().counts;
  expect(counts).toMatchObject({ requests: 301, errors: 300 });
  expect(counts!.users).toHaveLength(MOST_TOLD_APART);
  expect(counts!.users![0]).toEqual([murmur3('u0'), 2, 1, 1]);
});

test('where everybody is one user, requests are counted and not told apart', () => {
  const { tally } = set();
  const all = { user: 'everybody', isWrite: true, splits: false };
  for (const outcome of [FINE, REFUSED]) tally.add('catalogue', 'service', outcome, all);
  const { counts } = tally.take();
  expect(counts).toMatchObject([{ requests: 2, errors: 1, hard: 1, writers: ['everybody'] }]);
  expect(counts[0]).not.toHaveProperty('users');
});
