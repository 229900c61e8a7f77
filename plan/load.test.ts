import { describe, expect, test } from '@jest/globals';
import { PlanError, parsePlan } from './load.ts';
import { planJsonSchema } from './schema.ts';

const SUB = '{ jwt: { claim: sub, verify: none } }';
const SOURCES = 'jwt, header, cookie, session, path, row, ask, constant';
const SPLIT = `
version: 1
name: shop
monolith: { url: http://127.0.0.1:3000 }
control: { tokens: { admin: admin-token, proxy: proxy-token } }
capabilities:
  orders:
    service: { url: http://127.0.0.1:3001 }
    routes: ["ANY /api/orders/**"]
    user: [{ jwt: { claim: sub, verify: none } }]
    anonymous: monolith
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

const thrown = (task: () => unknown): Error => {
  try {
    task();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was taken');
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
      .replace('anonymous: monolith', 'anonymous: monolith\n    handoff: { hold: two seconds, slices: 5 }');
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
      'has an @ behind a /, ? or #: if those are of its user name or password, another host would be asked',
    ],
    ['mysql://root:12/eim@127.0.0.1/shop', 'has an @ behind a /, ? or #'],
    ['"mysql://root:12#eim@127.0.0.1/shop"', 'has an @ behind a /, ? or #'],
    ['mysql://root:12?eim@127.0.0.1/shop', 'has an @ behind a /, ? or #'],
    ['"mysql://127.0.0.1/shop?user=a@eim"', 'if the @ is of its path or query, write %40'],
    ['mysql://root:eim%@127.0.0.1/shop', 'has a % that encodes nothing'],
    ['"mysql://root@127.0.0.1/shop#1"', 'has a raw #, and what follows would be lost'],
    ['mysql://root@127.0.0.1', 'must name one database: mysql://HOST/DATABASE'],
    ['mysql://root@127.0.0.1/shop/orders', 'must name one database'],
    ['mysql:///shop', 'names no host'],
    ['mysql://root@db.test/shop?ssl-mode=REQUIRED', 'asks for TLS by ssl-mode, which would be ignored'],
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
    const url = `mysql://root:${encodeURIComponent('p@s/s#w?o%r:d')}@127.0.0.1:3306/shop?charset=utf8mb4`;
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
    [
      '{ jwt: { claim: user.id, verify: none } }',
      'jwt.claim',
      'user.id can be a claim of this very name, ["user.id"], or the claim id in user, ["user","id"]: write the one',
    ],
    ['{ jwt: { claim: ["user id"], verify: none } }', 'jwt.claim', 'without blanks'],
    ['{ jwt: { claim: 1, verify: none } }', 'jwt.claim', 'must be the name of a claim, or a list of names'],
    ['{ jwt: { claim: "user id", verify: none } }', 'jwt.claim', 'without blanks'],
    ['{ jwt: { claim: sub } }', 'jwt.verify', 'must be none, or have exactly one of secret, pem, jwks'],
    ['{ jwt: { claim: sub, verify: never } }', 'jwt.verify', 'must be none, or have exactly one of secret, pem, jwks'],
    ['{ jwt: { claim: sub, verify: { pem: abc } } }', 'jwt.verify.pem', 'must be a PUBLIC KEY in PEM'],
    ['{ jwt: { claim: sub, verify: none, cookie: t, query: t } }', 'jwt', 'write one of header, cookie, query'],
    ['{ jwt: { claim: sub, verify: none, cookie: t, scheme: Token } }', 'jwt', 'has a scheme only where no place is'],
    ['{ header: "x user" }', 'header', 'must be a name as headers and cookies have it'],
    ['{ cookie: "uid=1" }', 'cookie', 'must be a name as headers and cookies have it'],
    ['{ cookie: "" }', 'cookie', 'must be a name'],
    ['{ path: ":id" }', 'path', 'must be the name of a parameter of the routes, without the colon'],
    ['{ path: userId }', 'path', ':userId is no parameter of ANY /api/orders/**'],
  ])('P8: refuses a user %s that is not plainly one name', (user, place, message) => {
    const mistakes = mistakesOf(SPLIT.replace(SUB, user));
    expect(mistakes[`capabilities.orders.user[0].${place}`]).toContain(message);
  });

  test.each([
    ['"https://shop.test/uid"', 'https://shop.test/uid'],
    ['["com.acme.uid"]', ['com.acme.uid']],
    ['[user, id]', ['user', 'id']],
  ])('P8: takes the claim %s by its names', (claim, names) => {
    const plan = parsePlan(SPLIT.replace('claim: sub', `claim: ${claim}`), {});
    expect(plan.capabilities.orders?.user).toEqual([{ jwt: { claim: names, verify: 'none' } }]);
  });

  test('faults 83 does not guess what becomes of requests without a user', () => {
    expect(mistakesOf(SPLIT.replace('    anonymous: monolith\n', ''))).toEqual({
      'capabilities.orders.anonymous': 'is needed, because there are routes: monolith or refuse',
    });
  });

  test.each([
    [['ANY /api/orders/**'], 'ANY /api/orders/** of orders'],
    [['GET /api/orders/*'], 'ANY /api/orders/** of orders'],
    [['GET /API/Orders'], 'ANY /api/orders/** of orders'],
    [['GET /api/orders/*/items/**'], 'ANY /api/orders/** of orders'],
  ])('names routes %j that another capability before takes already', (routes, by) => {
    const other = `  items:\n    service: { url: http://127.0.0.1:3002 }\n    user: [${SUB}]\n    anonymous: monolith\n    routes: ${JSON.stringify(routes)}\n`;
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
    ['name: shop\nname: store', '(YAML)', 'name occurs twice in one place, again at line 4: remove one of them'],
    [
      'name: shop\nproxy: { maxBody: 010 }',
      'proxy.maxBody',
      'is a number to YAML, but not in plain digits, or beyond 2^53: write it so, or quote it as a text (line 4)',
    ],
    ['name: shop\nproxy: { maxBody: 0x10 }', 'proxy.maxBody', 'is a number to YAML'],
    ['name: shop\nproxy: { maxBody: 1e3 }', 'proxy.maxBody', 'not in plain digits'],
    ['name: shop\nproxy: { maxBody: 281674916028284930 }', 'proxy.maxBody', 'beyond 2^53'],
    ['name: shop\nproxy: { trustedHops: [a, [b, 0x1]] }', 'proxy.trustedHops[1][1]', 'is a number to YAML'],
    ['name: !own shop', '(YAML)', 'a value that begins with !'],
    ['name: shop\n1: x', '(whole file)', 'has a key that is no text: put it into quotes (line 4)'],
  ])('names what YAML would take for something else: %j', (text, place, message) => {
    expect(mistakesOf(SPLIT.replace('name: shop', text))[place]).toContain(message);
  });

  test.each([
    '0123456789012',
    '0x5ec2e7',
    '123456789012345678901234',
    '!s3cret-token',
    '*s3cret-token',
    '%s3cret-token',
    '@s3cret-token',
    '|s3cret-token',
    '"s3\\cret-token',
    '"\\s3cret-token"',
    '[s3cret-token',
    's3cret-token: s3cret-token: s3cret-token',
    '"a" s3cret-token',
    `"\${s3cret-token}"`,
  ])('shows nothing of the token %s that it cannot read', (token) => {
    const message = thrown(() => parsePlan(SPLIT.replace('admin: admin-token', `admin: ${token}`), {})).message;
    expect(message).toMatch(/^strangler.yaml has (a mistake|\d+ mistakes):/);
    expect(message).not.toMatch(/s3|cret|345678|5ec2e7/);
  });

  test('names what else is not plainly one thing, each where it is', () => {
    const of = (change: (text: string) => string) => mistakesOf(change(SPLIT));
    expect(of((text) => text.replace('proxy: proxy-token', 'proxy: admin-token'))).toEqual({
      'control.tokens.proxy': expect.stringMatching(
        /is the token of admin too, so whoever has it has both roles: write another one here, .* those who use the role proxy/,
      ),
    });
    expect(of((text) => text.replace('admin-token', `"\${admin_token}"`))).toEqual({
      'control.tokens.admin': `has a \${…} that names no variable: A–Z, 0–9 and _`,
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
        'reads another environment than development, to which a rollback would be written: name the same',
    });
  });

  test('that is not YAML, or not there, is said to be so', () => {
    expect(Object.keys(mistakesOf('a: [1'))).toEqual(['(YAML)']);
    expect(Object.keys(mistakesOf(''))).toEqual(['(whole file)']);
  });

  test('says what a field must be, and what fields there are', () => {
    const fields = `    tables: { orders: { usr: user_id, sameWhen: [] } }
    handoff: { slice: 0.5, queue: -1 }
    ramp: 5
`;
    const wrong = mistakesOf(SPLIT + fields);
    expect(wrong).toEqual({
      'capabilities.orders.tables.orders':
        'has no field usr; it may have to, user, shared, key, refers, unowned, columns, sameWhen, touched, writers, distinct',
      'capabilities.orders.tables.orders.sameWhen': 'must not be empty',
      'capabilities.orders.handoff.slice': 'must be a whole number',
      'capabilities.orders.handoff.queue': 'must be at least 0',
      'capabilities.orders.ramp': 'must be a block of fields',
    });
  });

  test('says whose the rows of a table are', () => {
    const wrong = (table: string) =>
      Object.values(
        mistakesOf(`${SPLIT}    tables: { orders: ${table} }
`),
      ).filter((one) => !one.includes('because'));
    expect(wrong('{}')).toContain('is needed: the column that holds the user; or shared, if its rows are everybody’s');
    expect(wrong('{ user: user_id, shared: monolith }')).toContain('takes the place of user: say one of the two');
    expect(wrong('{ shared: monolith, unowned: monolith }')).toContain('says nothing here: nobody’s rows are shared');
  });

  test.each<[string, string, string | undefined]>([
    ['[author_id, editor_id]', '', undefined],
    ['[{ through: order_id, of: orders }, { through: [return_id, line], of: returns }, author_id]', '', undefined],
    ['[author_id, { through: a, of: gone }]', '[1].of', 'names gone, which is no table of orders'],
    ['{ through: tag_id, of: tags }', '.of', 'names tags, whose rows are everybody’s: it leads to no user'],
    ['[a, b, a]', '[2]', 'never tells a user: wherever it is set, a before it is'],
    [
      '[{ through: a, of: orders }, { through: [a, b], of: returns }]',
      '[1]',
      'never tells a user: wherever it is set, { through: a, of: orders } before it is',
    ],
    [
      '[a, { through: parent_id, of: notes }]',
      '[1].of',
      'names notes, whose user is reached through notes: that goes round in a circle',
    ],
    [
      '{ through: b, of: pages }',
      '.of',
      'names pages, whose user is reached through notes: that goes round in a circle',
    ],
    ['[]', '', 'must not be empty'],
    ['[a, 5]', '[1]', 'must be a column, or { through: …, of: … }'],
    ['[{ through: 5, of: orders }]', '[0].through', 'must be a column, or a list of columns'],
    ['[{ through: a, of: orders, by: id }]', '[0]', 'has no field by; it may have through, of'],
    ['{ through: [], of: orders }', '.through', 'must not be empty'],
  ])('says of the ways to a user %s what is wrong with them', (user, place, message) => {
    const tables = `    tables:
      notes: { user: ${user} }
      pages: { user: { through: note_id, of: notes } }
      orders: { user: user_id }
      returns: { user: user_id }
      tags: { shared: monolith }
`;
    const all = Object.entries(mistakesOf(SPLIT + tables)).filter(([, one]) => !/because|is needed/.test(one));
    const own = all.filter(([path]) => path.startsWith('capabilities.orders.tables.notes'));
    expect(own).toEqual(message ? [[`capabilities.orders.tables.notes.user${place}`, message]] : []);
  });

  test('says what a table that is shared by key needs, and who may refer to it', () => {
    const wrong = (tables: string) => {
      const mistakes = Object.entries(mistakesOf(`${SPLIT}    tables: { ${tables} }\n`));
      return mistakes.flatMap(([place, text]) =>
        text.includes('because') || text.includes('by the tables') ? [] : [`${place.split('tables.')[1]}: ${text}`],
      );
    };
    const tags = 'tags: { shared: by-key, key: [name] }';
    expect(wrong(`${tags}, a: { user: u, refers: { tag: tags } }`)).toEqual([]);
    expect(wrong('tags: { shared: by-key }')).toEqual([
      'tags.key: is needed: the columns that say what is the same thing on both sides',
    ]);
    expect(wrong('tags: { shared: insert-only, key: [name] }')).toEqual(['tags.key: goes with shared: by-key only']);
    expect(wrong('tags: { shared: by-key, key: [name], sameWhen: [name] }')).toEqual([
      'tags.sameWhen: says nothing here: key says what is the same thing',
    ]);
    expect(wrong(`${tags}, a: { user: { through: tag, of: tags } }`)).toEqual([
      'a.user.of: names tags, whose rows are everybody’s: it leads to no user',
    ]);
    expect(wrong(`a: { user: u, refers: { tag: tags } }`)).toEqual([
      'a.refers.tag: names tags, which is no table of orders with shared: by-key',
    ]);
    expect(wrong(`${tags}, b: { shared: by-key, key: [k], refers: { tag: tags } }`)).toEqual([
      'b.refers.tag: is of a table that is shared by key itself, which cannot carry such ids: shared: monolith for b, or keep them in another table',
    ]);
    expect(wrong(`${tags}, a: { user: tag, refers: { tag: tags } }`)).toEqual([
      'a.refers.tag: says whose a row is, and cannot be everybody’s as well',
    ]);
  });

  test('names every mistake of a capability whose name is wrong, too', () => {
    const mistakes = mistakesOf(
      SPLIT.replace('  orders:', '  Orders:').replace('anonymous: monolith', 'anonymous: maybe'),
    );
    expect(Object.keys(mistakes)).toEqual(['capabilities.Orders.anonymous', 'capabilities']);
    expect(mistakes.capabilities).toContain('Orders: must be a lower-case word');
  });

  test.each([
    ['{ headr: x-user }', '', `has no field headr; it must have exactly one of ${SOURCES}`],
    ['{ cookies: uid }', '', `has no field cookies; it must have exactly one of ${SOURCES}`],
    ['{}', '', `must have exactly one of ${SOURCES}`],
    ['{ header: x-user, cookie: uid }', '', `must have exactly one of ${SOURCES}`],
    ['{ header: x-user, name: uid }', '', 'has no field name; it may have header, lookup'],
    ['{ header: x-user, lookup: { table: Users, take: id } }', '.lookup.match', 'is needed'],
    ['{ row: Articles, by: slug }', '.from', 'is needed'],
    ['{ lookup: { table: Users, match: email, take: id } }', '', `must have exactly one of ${SOURCES}`],
    ['{ constant: "1", lookup: {} }', '', 'has no field lookup; it may have constant'],
    ['{ header: 5 }', '.header', 'must be a name as headers and cookies have it, without blanks'],
  ])('says of the user %s what the alternative that was meant lacks, or which there are', (user, place, message) => {
    expect(mistakesOf(SPLIT.replace(SUB, user))).toEqual({
      [`capabilities.orders.user[0]${place}`]: message,
    });
  });

  test('says of a user that is no list how one is written', () => {
    expect(mistakesOf(SPLIT.replace(`[${SUB}]`, '{ header: x-user }'))['capabilities.orders.user']).toContain(
      'must be a list of sources, such as [{ jwt: { claim: sub, verify: none } }]',
    );
  });

  test('says which places of flags there are, and what a parent lacks beside its fields', () => {
    const flags = (given: string) => mistakesOf(SPLIT.replace('capabilities:', `flags: ${given}\ncapabilities:`));
    const one = 'must have exactly one of file, unleash';
    expect(flags('{ unlaesh: { url: "http://a" } }')).toEqual({ flags: `has no field unlaesh; it ${one}` });
    expect(flags('{}')).toEqual({ flags: one });
    const parent = '    tables: { items: { user: { through: order_id, of: orders, by: id } } }\n';
    expect(mistakesOf(SPLIT + parent)).toMatchObject({
      'capabilities.orders.tables.items.user': 'has no field by; it may have through, of',
    });
  });

  test.each(['Orders', 'order_items', 'toString'])('says how the capability %s must be called', (name) => {
    expect(mistakesOf(SPLIT.replace('  orders:', `  ${name}:`))).toEqual({
      capabilities: expect.stringContaining(`${name}: must be a lower-case word`),
    });
  });

  test('says what is wrong with a route or an expression that stands as a key', () => {
    const routes = mistakesOf(`${SPLIT}    compare: { afterWrite: { "POST api": [/api] } }\n`);
    expect(routes['capabilities.orders.compare.afterWrite.POST api']).toContain('has one path that begins with /');
    const rewrite = mistakesOf(SPLIT.replace('3001 }', '3001, rewrite: { "(": "" } }'));
    expect(rewrite['capabilities.orders.service.rewrite.(']).toContain('must be a regular expression');
  });

  test('says of a number what text it must be', () => {
    const fields = `    ramp: { dwell: 10 }
    guard: { errors: 5 }
proxy: { listen: 8080, maxBody: 5, trustedHops: [10] }
`;
    const text = SPLIT.replace('"ANY /api/orders/**"', '5').replace('http://127.0.0.1:3000', '3000');
    expect(mistakesOf(text.replace('name: shop', 'name: 5') + fields)).toEqual({
      name: expect.stringContaining('must be a lower-case word'),
      'monolith.url': 'must be an address http://… or https://…',
      'proxy.listen': 'must be HOST:PORT, such as 127.0.0.1:8080',
      'proxy.maxBody': 'must be a size such as 16KiB or 1MB',
      'proxy.trustedHops[0]': 'must be an address or a block such as 10.0.0.0/8',
      'capabilities.orders.routes[0]': 'must be a method and a path, such as GET /api/orders/*',
      'capabilities.orders.ramp.dwell': 'must be a duration such as 500ms, 2s, 10m or 1h',
      'capabilities.orders.guard.errors': 'must be a percentage such as 5%',
    });
    const needed = SPLIT.replace('capabilities:', 'kafka: { brokers: [5] }\ncapabilities:');
    expect(mistakesOf(needed)).toEqual({
      'kafka.brokers[0]': 'must be HOST:PORT, such as 127.0.0.1:8080',
      'kafka.connect': 'is needed',
    });
  });

  test.each([
    ['a capability', (text: string) => `${text}  __proto__: { service: { url: "http://a" } }\n`, 'capabilities'],
    ['a table', (text: string) => `${text}    tables: { "__proto__": { user: id } }\n`, 'capabilities.orders.tables'],
    ['an alias', (text: string) => text.replace('name: shop', 'name: &a __proto__\nproxy: { *a : 1 }'), 'proxy'],
  ])('refuses %s called __proto__, which would be left out without a word', (_, change, place) => {
    expect(mistakesOf(change(SPLIT))[place]).toMatch(/^has a key __proto__, which nothing can be called: rename it/);
  });

  test('refuses an alias that would never end, and aliases that would make it huge', () => {
    const never = /^is an alias \(\*\) of what it is part of, so it would never end: write it out \(line \d+\)$/;
    expect(mistakesOf('a: &a\n  b: *a\n')).toEqual({ 'a.b': expect.stringMatching(never) });
    expect(mistakesOf('a: &a [x, [*a]]\n')).toEqual({ 'a[1][0]': expect.stringMatching(never) });
    const level = (_: unknown, n: number) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`;
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 8 }, level)].join('\n');
    expect(mistakesOf(bomb)).toEqual({ '(YAML)': expect.stringMatching(/^its aliases \(\*NAME\) .*write out/) });
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
