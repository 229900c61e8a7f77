import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SurveyAnswer, SurveyedWrite } from '@strangler/plan';
import { SurveyRelay } from './survey-relay.ts';
import { Bed, TOKENS } from './testing/bed.ts';

const P1 = { proxy: 'p1', process: 'a' };
const write = (id: number, began: number, ended: number | null = null): SurveyedWrite => ({
  ...{ id, capability: 'shop', route: 'POST /shop', readOnly: false, users: { shop: { user: 'ada' } } },
  ...{ began, ended, status: ended === null ? 0 : 200 },
});
const told = (at: number, writes: SurveyedWrite[], dropped = 0) => ({ type: 'surveyed', at, writes, dropped }) as const;

describe('the relay', () => {
  test('tells the times of a proxy whose clock is wrong by its own clock', () => {
    const relay = new SurveyRelay(() => 1_000_000);
    relay.hear(P1, told(990_000, []), 0); // ten seconds behind, and a little on the way
    relay.hear(P1, told(990_040, [write(1, 990_010, 990_020)]), 40);
    expect(relay.answer(0, ['p1', 'p2'], 40)).toMatchObject({
      ...{ now: 1_000_000, next: 1, missed: 0 },
      writes: [{ proxy: 'p1/a', began: 999_970, ended: 999_980 }],
      proxies: [
        { proxy: 'p1', tells: true },
        { proxy: 'p2', tells: false },
      ],
    });
    expect(relay.answer(1, ['p1'], 5_000)).toMatchObject({ writes: [], proxies: [{ tells: false }] });
  });

  test('a proxy that was started again may have taken writes with it that it had not told of', () => {
    const relay = new SurveyRelay();
    relay.hear(P1, told(0, [write(1, 0)]), 0);
    relay.hear({ proxy: 'p1', process: 'b' }, told(0, [write(1, 0)]), 100);
    expect(relay.answer(0, [], 0)).toMatchObject({ missed: 1, writes: [{ proxy: 'p1/a' }, { proxy: 'p1/b' }] });
  });

  test('says how much is missing of what it could not keep, or a proxy could not', () => {
    const relay = new SurveyRelay();
    relay.hear(P1, told(0, [write(1, 0)], 7), 0);
    expect(relay.answer(0, [], 0).missed).toBe(7);
    for (let id = 2; id < 60_000; id += 100) {
      relay.hear(
        P1,
        told(
          0,
          Array.from({ length: 100 }, (_, nth) => write(id + nth, 0)),
        ),
        0,
      );
    }
    let answer = relay.answer(0, [], 0);
    const { missed } = answer;
    let heard = answer.writes.length;
    while (answer.writes.length) {
      answer = relay.answer(answer.next, [], 0);
      heard += answer.writes.length;
    }
    expect(missed + heard).toBeGreaterThanOrEqual(60_000);
    expect(heard).toBeLessThan(60_000);
  });
});

describe('a survey asks control', () => {
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
    await bed.start();
  });
  afterEach(() => bed.close());
  const ask = async (after?: number) =>
    (await bed.call('POST', '/survey', after === undefined ? {} : { after })).body as SurveyAnswer;

  test('while it asks, proxies are told to tell of their writes, and it hears them from its first question on', async () => {
    const proxy = await bed.proxy();
    proxy.say(told(Date.now(), [write(1, Date.now())]));
    const first = await ask();
    expect(first.writes).toEqual([]);
    await proxy.until('the order to tell', () => proxy.surveying.length === 1);
    proxy.say(told(Date.now(), [write(2, Date.now())]));
    let answer = await ask(first.next);
    while (!answer.writes.some(({ id }) => id === 2)) answer = await ask(first.next);
    expect(answer.proxies).toEqual([{ proxy: 'p1', tells: true }]);
  });

  test('that takes the role operate, and a number it was given', async () => {
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await bed.call('POST', '/survey', {}, as(TOKENS.read))).status).toBe(403);
    expect((await bed.call('POST', '/survey', {}, as(TOKENS.operate))).status).toBe(200);
    expect((await bed.call('POST', '/survey', { after: -1 })).status).toBe(400);
  });

  test('a proxy that tells nonsense of its writes is cut off', async () => {
    const proxy = await bed.proxy();
    proxy.babble(JSON.stringify(told(1, [{ ...write(1, 1), route: 'x'.repeat(301) }])));
    await proxy.until('the end of its stream', () => proxy.closed !== undefined);
    expect(proxy.closed).toBe(1_008);
  });
});
