import { describe, expect, test } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { type Rule, ruleSet } from './index.ts';
import './jest.ts';

const order = {
  id: 7,
  total: 19.9,
  items: [
    { sku: 'a', price: 9.9 },
    { sku: 'b', price: 10 },
  ],
};

function shop(reply: (response: express.Response) => void) {
  const app = express();
  app.get('/orders/7', (_request, response) => reply(response));
  return app;
}

const get = (reply: (response: express.Response) => void) => request(shop(reply)).get('/orders/7');

async function failureOf(check: () => void): Promise<string> {
  try {
    check();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the expectation should have failed');
}

describe('expect(newReply).toMatchLegacy(oldReply)', () => {
  test('passes for the same answer of two express apps asked through supertest', async () => {
    const [old, newer] = [await get((response) => response.json(order)), await get((response) => response.json(order))];
    expect(newer).toMatchLegacy(old);
  });

  test('does not mind volatile headers: date, etag, x-request-id, x-powered-by', async () => {
    const old = await get((response) => response.set('x-request-id', '1').json(order));
    const newer = await get((response) => response.set({ 'x-request-id': '2', etag: 'W/"other"' }).json(order));
    expect(newer).toMatchLegacy(old);
  });

  test('fails for another value and tells a person what, where, how often and what to write if it is meant', async () => {
    const old = await get((response) => response.json(order));
    const newer = await get((response) => {
      response.json({
        ...order,
        id: '7',
        items: [
          { sku: 'a', price: 9.8 },
          { sku: 'b', price: 11 },
        ],
      });
    });
    const message = await failureOf(() => expect(newer).toMatchLegacy(old));
    expect(message).toContain('The new reply differs from the old one');
    expect(message).toContain('$.id  type (high)\n    7 → "7"');
    expect(message).toContain('$.items[*].price  value, 2 times (medium)\n    $.items[0].price: 9.9 → 9.8');
    expect(message).toContain("kind: 'numeric-string-is-number'");
  });

  test('fails for another status and shows what was answered', async () => {
    const old = await get((response) => response.status(201).json(order));
    const newer = await get((response) => response.status(422).json({ error: 'out of stock' }));
    const message = await failureOf(() => expect(newer).toMatchLegacy(old));
    expect(message).toContain('422 {"error": "out of stock"}');
  });

  test('fails for a removed field, another header, another media type and another order', async () => {
    const old = await get((response) => response.set('cache-control', 'no-store').json(order));
    expect(await get((response) => response.json(order))).not.toMatchLegacy(old);
    const { total: _, ...withoutTotal } = order;
    const same = (body: unknown) => get((response) => response.set('cache-control', 'no-store').json(body));
    expect(await same(withoutTotal)).not.toMatchLegacy(old);
    expect(await same({ ...order, items: order.items.toReversed() })).not.toMatchLegacy(old);
    const asText = await get((response) =>
      response.set('cache-control', 'no-store').type('text').send(JSON.stringify(order)),
    );
    expect(asText).not.toMatchLegacy(old);
    expect(await same(order)).toMatchLegacy(old);
  });

  test('passes under rules, and keeps ids learned from one expectation for the next when they share a rule set', async () => {
    const rules: Rule[] = [
      { id: 'order-ids', reason: 'minted by each side', path: '$.id', kind: 'id-map', map: 'order' },
    ];
    const old = await get((response) => response.json(order));
    const newer = await get((response) => response.json({ ...order, id: 8 }));
    const other = await get((response) => response.json({ ...order, id: 10 }));
    expect(newer).not.toMatchLegacy(old);
    expect(newer).toMatchLegacy(old, rules);
    expect(other).toMatchLegacy(old, rules);
    const shared = ruleSet(rules);
    expect(newer).toMatchLegacy(old, shared);
    expect(newer).toMatchLegacy(old, shared);
    expect(other).not.toMatchLegacy(old, shared);
  });

  test('works in reverse with a message that says so', async () => {
    const old = await get((response) => response.json(order));
    const message = await failureOf(() => expect(old).not.toMatchLegacy(old));
    expect(message).toContain('The replies are equal');
  });

  test('compares big numbers as they were sent, though supertest has lost their digits', async () => {
    const send = (id: string) => get((response) => response.type('json').send(`{"id":${id}}`));
    expect(await send('9007199254740993')).toMatchLegacy(await send('9007199254740993'));
    expect(await send('9007199254740993')).not.toMatchLegacy(await send('9007199254740992'));
  });

  test('compares binary replies by their bytes and empty ones as empty', async () => {
    const bytes = (...values: number[]) => get((response) => response.type('png').send(Buffer.from(values)));
    expect(await bytes(1, 2, 255)).toMatchLegacy(await bytes(1, 2, 255));
    expect(await bytes(1, 2, 254)).not.toMatchLegacy(await bytes(1, 2, 255));
    const empty = () => get((response) => response.status(204).end());
    expect(await empty()).toMatchLegacy(await empty());
  });

  test('says what it wants when it is given something else', async () => {
    const old = await get((response) => response.json(order));
    expect(() => expect('no reply').toMatchLegacy(old)).toThrow('expected a supertest response');
    expect(() => expect(new Response('unread')).toMatchLegacy(old)).toThrow('await readReply(response)');
  });
});
