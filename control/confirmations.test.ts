import { afterEach, expect, test } from '@jest/globals';
import { ConfirmationAnswers } from './confirmations.ts';
import { initialState } from './state.ts';
import type { Store } from './store.ts';
import { StoredState } from './stored-state.ts';
import { TestSides } from './testing/lone.ts';

let confirmations: ConfirmationAnswers;
afterEach(() => confirmations.stop());

test.each([
  ['once it has a tick', 'proven'],
  ['before it has a tick', 'tick'],
] as const)('a question is forgotten when its time is over although no database answers, %s', async (_, call) => {
  let now = 0;
  let away = true;
  let looks = 0;
  const sides = new TestSides();
  const answer = async () => {
    looks++;
    if (away) throw new Error('connect ECONNREFUSED');
    return 99;
  };
  sides[call] = answer;
  if (call === 'tick') sides.proven = async () => 100;
  const cell = new StoredState('shop', {} as Store, initialState(0));
  confirmations = new ConfirmationAnswers(
    ...([cell, sides] as const),
    () => 1,
    () => {},
    10_000,
    () => now,
  );
  const confirmed: string[] = [];
  const ask = (user: string) =>
    confirmations.ask({ user, from: 'monolith', theirs: true, confirm: () => void confirmed.push(user) });
  const until = async (holds: () => boolean) => {
    for (const end = performance.now() + 10_000; !holds(); ) {
      if (performance.now() > end) throw new Error('waited in vain');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const looked = (seen = looks) => until(() => looks >= seen + 2);
  ask('ada');
  await looked();
  now = 30_000;
  ask('bob');
  await looked();
  now = 40_000;
  await looked();
  away = false;
  await until(() => confirmed.length > 0);
  expect(confirmed).toEqual(['bob']);
});
