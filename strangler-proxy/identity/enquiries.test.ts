import { afterEach, expect, jest, test } from '@jest/globals';
import { Enquiries, PATIENCE_MS, UnfitError } from './enquiries.ts';
import type { SourceAnswer } from './source.ts';

afterEach(() => {
  jest.useRealTimers();
});

/** Somebody who answers when the test says so. */
function oracle() {
  const asked: ((answer: SourceAnswer) => void)[] = [];
  return { asked, ask: () => new Promise<SourceAnswer>((resolve) => asked.push(resolve)) };
}

test('a write always asks; a read goes by a user that was named to either within the last seconds', async () => {
  const enquiries = new Enquiries('the oracle');
  const answers = ['ada', 'bob', 'eve'];
  const question = async () => ({ user: answers.shift()! });
  expect(await enquiries.ask(['x'], false, question)).toEqual({ user: 'ada' });
  expect(enquiries.ask(['x'], false, question)).toEqual({ user: 'ada' });
  expect(await enquiries.ask(['x'], true, question)).toEqual({ user: 'bob' });
  expect(enquiries.ask(['x'], false, question)).toEqual({ user: 'bob' });
  expect(await enquiries.ask(['y'], false, question)).toEqual({ user: 'eve' });
});

test('of two answers the one that was asked for later stays, whichever comes first', async () => {
  const { asked, ask } = oracle();
  const enquiries = new Enquiries('the oracle');
  const [read, write] = [enquiries.ask(['x'], false, ask), enquiries.ask(['x'], true, ask)];
  asked[1]!({ user: 'new' });
  expect(await write).toEqual({ user: 'new' });
  asked[0]!({ user: 'old' });
  expect(await read).toEqual({ user: 'old' });
  expect(enquiries.ask(['x'], false, ask)).toEqual({ user: 'new' });
});

test('only a user is remembered: whoever signs in, or writes the row, is found by the next read', async () => {
  const enquiries = new Enquiries('the oracle');
  const answers: SourceAnswer[] = [{ unknown: 'away' }, undefined, { unreadable: 'NULL' }, { user: 'ada' }];
  const question = async () => answers.shift();
  for (const answer of [...answers]) expect(await enquiries.ask(['x'], false, question)).toEqual(answer);
  expect(enquiries.ask(['x'], false, question)).toEqual({ user: 'ada' });
});

test('no answer in time is unknown, and so is any failure, told without what was asked', async () => {
  const enquiries = new Enquiries('the oracle');
  const failing = (error: Error) => enquiries.ask(['ada@x.test'], true, () => Promise.reject(error));
  const wrong = Object.assign(new Error('no such thing as ada@x.test'), { code: '22P02' });
  expect(await failing(wrong)).toEqual({ unknown: 'the oracle did not answer (22P02)' });
  expect(await failing(new Error('ada@x.test'))).toEqual({ unknown: 'the oracle did not answer' });
  expect(await failing(new UnfitError('Users has no column email'))).toEqual({
    unknown: 'the Plan does not fit the oracle: a proxy that is restarted says where',
  });
  jest.useFakeTimers();
  const late = enquiries.ask(['x'], true, oracle().ask);
  await jest.advanceTimersByTimeAsync(PATIENCE_MS);
  expect(await late).toEqual({ unknown: 'no answer from the oracle within 2.0 s' });
});

test('at most a thousand questions are under way; those nobody waits for any more count until they end', async () => {
  jest.useFakeTimers();
  const { asked, ask } = oracle();
  const enquiries = new Enquiries('the oracle');
  const all = Array.from({ length: 1_000 }, (_, at) => enquiries.ask([String(at)], true, ask));
  expect(await enquiries.ask(['more'], true, ask)).toEqual({ unknown: 'too many requests wait for the oracle' });
  await jest.advanceTimersByTimeAsync(PATIENCE_MS);
  await Promise.all(all);
  expect(await enquiries.ask(['more'], false, ask)).toEqual({ unknown: 'too many requests wait for the oracle' });
  for (const answer of asked) answer({ user: 'late' });
  jest.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  const more = enquiries.ask(['more'], true, ask);
  asked.at(-1)!({ user: 'ada' });
  expect(await more).toEqual({ user: 'ada' });
});
