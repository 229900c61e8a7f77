import { describe, expect, test } from '@jest/globals';
import { PlanError, parsePlan } from './load.ts';
import { EVERYBODY, whyNotAt } from './split.ts';
import { undeclaredIn } from './survey.ts';
import { BUCKETS } from './words.ts';

const WHOLE = {
  service: { url: 'http://127.0.0.1:3001', database: 'postgres://a@127.0.0.1/catalogue' },
  routes: ['ANY /products/**'],
  tables: { products: {}, categories: { touched: ['updated_at'] } },
};

const planOf = (catalogue: object) =>
  parsePlan(
    JSON.stringify({
      ...{ version: 1, name: 'shop' },
      monolith: { url: 'http://127.0.0.1:3000', database: 'mysql://a@127.0.0.1/shop' },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
      capabilities: { catalogue },
    }),
    {},
  );

const mistakesOf = (catalogue: object): Record<string, string> => {
  try {
    planOf(catalogue);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return Object.fromEntries(error.mistakes.map(({ path, message }) => [path, message]));
  }
  return {};
};

describe('split: none', () => {
  test('takes tables without a user: everybody is one, in one slice and one step', () => {
    const { catalogue } = planOf({
      split: 'none',
      ...WHOLE,
      handoff: { hold: '3s' },
      ramp: { dwell: '5m' },
    }).capabilities;
    expect(catalogue).toMatchObject({
      ...{ split: 'none', user: [{ constant: EVERYBODY }], anonymous: 'refuse' },
      ...{ ramp: { steps: [100], dwell: 300_000 }, handoff: { slice: BUCKETS, hold: 3_000 } },
    });
    expect(catalogue!.tables.products).toMatchObject({ touched: [], writers: [] });
    expect(catalogue!.tables.products!.user).toBeUndefined();
  });

  test('refuses by name whatever it says of users, and says what to do', () => {
    const mistakes = mistakesOf({
      ...{ split: 'none', ...WHOLE, group: 'shop', user: [{ header: 'x-user-id' }], userType: 'text' },
      ...{ anonymous: 'monolith', ramp: { steps: [10, 100] }, handoff: { slice: 5 }, guard: { withoutUser: '2%' } },
      tables: { products: { user: 'owner' }, pages: { shared: 'monolith' }, notes: { unowned: 'monolith' } },
    });
    const at = (path: string) => `capabilities.catalogue.${path}`;
    expect(Object.keys(mistakes).sort()).toEqual(
      [
        ...['anonymous', 'group', 'guard.withoutUser', 'handoff.slice', 'ramp.steps', 'tables.notes.unowned'],
        ...['tables.pages.shared', 'tables.products.user', 'user', 'userType'],
      ].map(at),
    );
    expect(mistakes[at('user')]).toBe(
      'says nothing under split: none, where every request is everybody’s: take it out',
    );
    expect(mistakes[at('ramp.steps')]).toContain('there is one step, 100');
  });

  test('may say the one step there is, and names other mistakes beside', () => {
    expect(mistakesOf({ split: 'none', ...WHOLE, ramp: { steps: [100] } })).toEqual({});
    expect(mistakesOf({ split: 'none', ...WHOLE, routes: ['EVERY /x'], group: 'a', tables: 5, ramp: 7 })).toEqual({
      'capabilities.catalogue.group': 'says nothing under split: none, where no users are hashed: take it out',
      'capabilities.catalogue.routes[0]': expect.any(String),
      'capabilities.catalogue.tables': 'must be a block of fields',
      'capabilities.catalogue.ramp': 'must be a block of fields',
    });
    expect(mistakesOf({ split: 'halves', ...WHOLE })['capabilities.catalogue.split']).toBe('must be users or none');
  });

  test('without it, a table still needs a user', () => {
    expect(mistakesOf({ ...WHOLE, user: [{ header: 'x-user' }], anonymous: 'refuse' })).toHaveProperty([
      'capabilities.catalogue.tables.products.user',
    ]);
  });

  test('leaves 0 and 100 % alone', () => {
    expect([0, 100].map((percentage) => whyNotAt({ split: 'none' }, percentage))).toEqual([undefined, undefined]);
    expect(whyNotAt({ split: 'none' }, 25)).toContain('cannot be at 25 %');
    expect(whyNotAt({ split: 'users' }, 25)).toBeUndefined();
  });

  test('a writer of its rows is declared as anybody’s', () => {
    const { tables } = planOf({
      split: 'none',
      ...WHOLE,
      tables: { products: { writers: [{ by: 'the price job', columns: ['price'] }] } },
    }).capabilities.catalogue!;
    const found = (columns: string[]) =>
      ({ table: 'products', op: 'update', columns, cause: 'nobody', count: 1 }) as const;
    const findings = [found(['price']), found(['name'])];
    expect(undeclaredIn(tables, { findings })).toEqual([findings[1]]);
  });
});
