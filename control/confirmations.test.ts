import { afterEach, expect, test } from '@jest/globals';
import { lastTick, type Session, TickLostError } from '@strangler/ledger';
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

test('nothing is confirmed while the row of strangler_tick is missing: what is not known is not tick 0', async () => {
  const emptied = { dialect: 'mysql', query: async () => ({ rows: [], affected: 0 }) } as unknown as Session;
  const sides = new TestSides();
  sides.tick = () => lastTick(emptied);
  sides.proven = async () => 50_000; // what had arrived before the row was lost
  const cell = new StoredState('shop', {} as Store, initialState(0));
  const heard = Promise.withResolvers<unknown>();
  confirmations = new ConfirmationAnswers(cell, sides, () => 1, heard.resolve, 10_000);
  const confirmed: string[] = [];
  const confirm = () => void confirmed.push('ada');
  confirmations.ask({ user: 'ada', from: 'monolith', theirs: true, confirm });
  expect(await heard.promise).toBeInstanceOf(TickLostError);
  await new Promise((resolve) => setTimeout(resolve, 300)); // it is asked again meanwhile
  expect(confirmed).toEqual([]);
});
