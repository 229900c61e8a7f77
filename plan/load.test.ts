import { describe, expect, test } from '@jest/globals';
import { PlanError, parsePlan } from './load.ts';
import { planJsonSchema } from './schema.ts';

const SPLIT = `
version: 1
name: shop
monolith: { url: http://127.0.0.1:3000 }
control: { tokens: { admin: admin-token, proxy: proxy-token } }
capabilities:
  orders:
    service: { url: http://127.0.0.1:3001 }
    routes: ["ANY /api/orders/**"]
    user: { jwt: sub }
`;

const mistakesOf = (text: string, env: NodeJS.ProcessEnv = {}): Record<string, string> => {
  try {
    parsePlan(text, env);
  } catch (error) {
    if (error instanceof PlanError)
      return Object.fromEntries(error.mistakes.map(({ path, message }) => [path, message]));
    throw error;
  }
  return {};
};

describe('a Plan', () => {
  test('is frozen, with defaults filled in and durations as milliseconds', () => {
    const plan = parsePlan(SPLIT, {});
    const handoff = { slice: 100, hold: 2_000, forceAfter: 500, queue: 1_000, writeFate: 10_000 };
    expect(plan.capabilities.orders?.handoff).toEqual(handoff);
    expect(plan.capabilities.orders?.guard.errors).toBe(0.05);
    expect(plan.proxy.maxHeaders).toBe(16_384);
    expect(plan.flags).toEqual({ file: 'flags.json' });
    expect(Object.isFrozen(plan.capabilities.orders?.routes)).toBe(true);
  });

  test('takes variables from the environment and names every one that is not set', () => {
    const text = SPLIT.replace('admin-token', `"\${TOKEN}"`).replace('http://127.0.0.1:3001', `"\${ORDERS_URL}"`);
    expect(parsePlan(text, { TOKEN: 'a secret token', ORDERS_URL: 'http://127.0.0.1:1' }).control.tokens.admin).toBe(
      'a secret token',
    );
    expect(mistakesOf(text)).toEqual({
      'control.tokens.admin': 'environment variable TOKEN is not set',
      'capabilities.orders.service.url': 'environment variable ORDERS_URL is not set',
    });
  });

  test('tells every mistake at once, each with its path', () => {
    const text = SPLIT.replace('version: 1', 'version: 2')
      .replace('ANY /api/orders/**', 'EVERY /api/orders')
      .replace('http://127.0.0.1:3000', 'ftp://shop')
      .replace('user: { jwt: sub }', 'user: { jwt: sub }\n    handoff: { hold: two seconds, slices: 5 }');
    const mistakes = mistakesOf(text);
    expect(Object.keys(mistakes).sort()).toEqual([
      'capabilities.orders.handoff',
      'capabilities.orders.handoff.hold',
      'capabilities.orders.routes[0]',
      'monolith.url',
      'version',
    ]);
    expect(mistakes['capabilities.orders.handoff.hold']).toBe('must be a duration such as 500ms, 2s, 10m or 1h');
    expect(mistakes['monolith.url']).toBe('must be an address http://… or https://…');
  });

  test('without routes is a pure sync, without tables a pure split, and cannot be without both', () => {
    const sync = SPLIT.replace(/routes:.*/, 'tables: { orders: { user: user_id } }');
    expect(Object.keys(mistakesOf(sync)).sort()).toEqual([
      'capabilities.orders.service.database',
      'kafka',
      'monolith.database',
    ]);
    expect(mistakesOf(SPLIT.replace(/routes:.*/, 'routes: []'))).toEqual({
      'capabilities.orders': 'needs routes, tables, or both',
    });
  });

  test('names a parent table that does not exist and a table that two capabilities claim', () => {
    const database = 'database: mysql://root@127.0.0.1/shop';
    const text = `
version: 1
name: shop
monolith: { ${database} }
kafka: { brokers: ["127.0.0.1:9092"], connect: http://127.0.0.1:8083 }
control: { tokens: { admin: admin-token, proxy: proxy-token } }
capabilities:
  orders:
    service: { database: postgres://127.0.0.1/orders }
    tables:
      items: { user: { through: order_id, of: orders } }
  notes:
    service: { database: postgres://127.0.0.1/notes }
    tables:
      items: { user: user_id }
`;
    expect(mistakesOf(text)).toEqual({
      'capabilities.orders.tables.items.user.of': 'names orders, which is no table of orders',
      'capabilities.notes.tables.items': 'belongs to orders already',
    });
  });

  test('names a rewrite that is no expression and a hop that is no address', () => {
    const text = SPLIT.replace('3001 }', '3001, rewrite: { "(": "" } }').replace(
      'capabilities:',
      'proxy: { trustedHops: [10.0.0.0/8, "::1", 10.0.0.0/33, shop] }\ncapabilities:',
    );
    const wrong = 'must be an address or a block such as 10.0.0.0/8';
    expect(mistakesOf(text)).toMatchObject({ 'proxy.trustedHops[2]': wrong, 'proxy.trustedHops[3]': wrong });
    expect(Object.keys(mistakesOf(text))).toHaveLength(3);
  });

  test.each(['nowhere', '10.0.0.0/33', '10.0.0.0/x', 'fd00::/129'])(
    'says that %j is no address and no block',
    (hop) => {
      const text = SPLIT.replace('capabilities:', `proxy: { trustedHops: ["${hop}"] }\ncapabilities:`);
      expect(mistakesOf(text)).toEqual({ 'proxy.trustedHops[0]': 'must be an address or a block such as 10.0.0.0/8' });
    },
  );

  test('that is not YAML, or not there, is said to be so', () => {
    expect(Object.keys(mistakesOf('a: [1'))).toEqual(['(YAML)']);
    expect(Object.keys(mistakesOf(''))).toEqual(['(whole file)']);
  });

  test('has a JSON Schema in which every field has a type', () => {
    const schema = planJsonSchema() as { properties: Record<string, unknown>; required: string[] };
    expect(Object.keys(schema.properties)).toEqual([
      'version',
      'name',
      'monolith',
      'kafka',
      'flags',
      'control',
      'proxy',
      'capabilities',
    ]);
    expect(schema.required).toContain('capabilities');
  });
});
