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

  test.each([
    [
      'mysql://root:geh@eim@127.0.0.1/shop',
      'has a raw @ in its user name or password: percent-encode it there (@ is %40',
    ],
    [
      'mysql://root:geh/eim@127.0.0.1/shop',
      'has a raw /, ? or # in its user name or password, so another host would be asked',
    ],
    ['mysql://root:12/eim@127.0.0.1/shop', 'has a raw /, ? or #'],
    ['"mysql://root:12#eim@127.0.0.1/shop"', 'has a raw /, ? or #'],
    ['mysql://root:12?eim@127.0.0.1/shop', 'has a raw /, ? or #'],
    ['mysql://root:eim%@127.0.0.1/shop', 'has a % that encodes nothing'],
    ['"mysql://root@127.0.0.1/shop#1"', 'has a raw #, and what follows would be lost'],
    ['mysql://root@127.0.0.1', 'must name one database: mysql://HOST/DATABASE'],
    ['mysql://root@127.0.0.1/shop/orders', 'must name one database'],
    ['mysql:///shop', 'names no host'],
    ['mysql://root:eim@127.0.0.1:port/shop', 'is no address; if its user name or password has a special character'],
    ['postgres://127.0.0.1/shop', 'must be an address mysql://…'],
  ])('Y2: explains what is wrong with the database %s, and shows no password', (url, message) => {
    const found = mistakesOf(SPLIT.replace('3000 }', `3000, database: ${url} }`))['monolith.database'];
    expect(found).toContain(message);
    expect(found).not.toContain('eim');
    const roles = `{ admin: mysql://root@127.0.0.1/shop, control: ${url}, applier: mysql://a@b/c, capture: mysql://a@b/c }`;
    const each = mistakesOf(SPLIT.replace('3000 }', `3000, database: ${roles} }`));
    expect(each['monolith.database.control']).toContain(message);
  });

  test('takes a password in which every special character is encoded', () => {
    const url = `mysql://root:${encodeURIComponent('p@s/s#w?o%r:d')}@127.0.0.1:3306/shop?ssl=true`;
    const plan = parsePlan(SPLIT.replace('3000 }', `3000, database: "${url}" }`), {});
    expect(plan.monolith.database?.control).toBe(url);
  });

  test.each([
    ['http://user:pw@127.0.0.1:3000', 'holds a user name or password'],
    ['http://127.0.0.1:3000/api?x=1', 'ends in a ? or #'],
    ['"http://127.0.0.1:3000/#top"', 'ends in a ? or #'],
    ['ftp://127.0.0.1', 'must be an address http://… or https://…'],
    ['file:///etc/passwd', 'must be an address http://… or https://…'],
  ])('refuses the side %s, of which something would be lost', (url, message) => {
    expect(mistakesOf(SPLIT.replace('http://127.0.0.1:3000', url))['monolith.url']).toContain(message);
  });

  test.each([
    ['{ jwt: user.id }', 'jwt', 'user.id is a claim inside another one, and those are not read: put the user'],
    ['{ jwt: "user id" }', 'jwt', 'without blanks'],
    ['{ header: "x user" }', 'header', 'must be a name as headers and cookies have it'],
    ['{ cookie: "uid=1" }', 'cookie', 'must be a name as headers and cookies have it'],
    ['{ cookie: "" }', 'cookie', 'must be a name'],
  ])('P8: refuses a user %s that is not plainly one name', (user, place, message) => {
    const mistakes = mistakesOf(SPLIT.replace('{ jwt: sub }', user));
    expect(mistakes[`capabilities.orders.user.${place}`]).toContain(message);
  });

  test('takes a claim whose name is a URI: its dots lead nowhere', () => {
    const plan = parsePlan(SPLIT.replace('{ jwt: sub }', '{ jwt: "https://shop.test/uid" }'), {});
    expect(plan.capabilities.orders?.user).toEqual({ jwt: 'https://shop.test/uid' });
  });

  test.each([
    [['ANY /api/orders/**'], 'ANY /api/orders/** of orders'],
    [['GET /api/orders/*'], 'ANY /api/orders/** of orders'],
    [['GET /API/Orders'], 'ANY /api/orders/** of orders'],
    [['GET /api/orders/*/items/**'], 'ANY /api/orders/** of orders'],
  ])('names routes %j that another capability before takes already', (routes, by) => {
    const other = `  items:\n    service: { url: http://127.0.0.1:3002 }\n    user: { jwt: sub }\n    routes: ${JSON.stringify(routes)}\n`;
    expect(mistakesOf(SPLIT + other)).toEqual({ 'capabilities.items.routes[0]': `is taken by ${by} already` });
    expect(mistakesOf(`${SPLIT.replace('/orders/**', '/orders/lists')}${other}`)).toEqual({});
  });

  test.each([['/api/orders/'], ['/api//orders'], ['/api/../orders'], ['/api/orders?x=1'], ['/api/%6Frders']])(
    'refuses the route %s, which no request could take',
    (path) => {
      expect(mistakesOf(SPLIT.replace('/api/orders/**', path))['capabilities.orders.routes[0]']).toContain('a route');
    },
  );

  test.each([
    ['name: shop\nname: store', 'name stands twice in one place, again at line 4: remove one of them'],
    ['name: shop\nproxy: { maxBody: 010 }', '010 is no plain number'],
    ['name: shop\nproxy: { maxBody: 0x10 }', '0x10 is no plain number'],
    ['name: shop\nproxy: { maxBody: 281674916028284930 }', '281674916028284930 is no plain number'],
    ['name: !own shop', 'Unresolved tag'],
    ['name: shop\n1: x', 'the key 1 is no text: put it into quotes'],
  ])('names what YAML would take for something else: %j', (text, message) => {
    expect(mistakesOf(SPLIT.replace('name: shop', text))['(YAML)']).toContain(message);
  });

  test('names what else is not plainly one thing, each where it stands', () => {
    const of = (change: (text: string) => string) => mistakesOf(change(SPLIT));
    expect(of((text) => text.replace('proxy: proxy-token', 'proxy: admin-token'))).toEqual({
      'control.tokens.proxy': 'is the token of admin too: each role needs its own',
    });
    expect(of((text) => text.replace('admin-token', `"\${admin_token}"`))).toEqual({
      'control.tokens.admin': `\${admin_token} is no variable: A–Z, 0–9 and _`,
    });
    const handoff = (more: string) => of((text) => `${text}    ${more}\n`);
    expect(handoff('handoff: { hold: 30d }')).toEqual({ 'capabilities.orders.handoff.hold': 'must be at most 24d' });
    expect(handoff('ramp: { steps: [10, 12.345] }')).toEqual({
      'capabilities.orders.ramp.steps[1]': 'must be in steps of 0.01',
    });
    const unleash = (token: string) =>
      of((text) =>
        text.replace(
          'capabilities:',
          `flags: { unleash: { url: "http://127.0.0.1:4242", adminToken: "*:*.a", token: "${token}" } }\ncapabilities:`,
        ),
      );
    expect(unleash('default:development.abc')).toEqual({});
    expect(unleash('default:production.abc')).toEqual({
      'flags.unleash.token':
        'reads environment production, but a rollback would be written to development: name the same',
    });
  });

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
