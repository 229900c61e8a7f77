import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Plan, parsePlan } from '@strangler/plan';
import { explain } from '@strangler/proxy';
import { clientOf } from '../examples/conduit/tests/client.ts';
import { type Monolith, startMonolith } from '../examples/conduit/tests/sides.ts';

// A stranger's monolith as it is: what its requests say is an e-mail address, a session or a slug, its rows an id.

let monolith: Monolith;
let plan: Plan;
let ids: Record<'ann' | 'sue', string>;

beforeAll(async () => {
  monolith = await startMonolith();
  for (const name of ['ann', 'sue']) await monolith.register(name);
  await monolith.sql("UPDATE Users SET role = 'staff' WHERE username = 'sue'");
  const users = await monolith.sql<{ username: string; id: number }>('SELECT username, id FROM Users');
  ids = Object.fromEntries(users.map(({ username, id }) => [username, String(id)])) as typeof ids;
  plan = parsePlan(
    `
version: 1
name: conduit
monolith: { url: ${monolith.url}, database: "${monolith.env.DATABASE_URL}" }
kafka: { brokers: ["127.0.0.1:9092"], connect: http://127.0.0.1:8083 }
control: { tokens: { admin: admin-token, proxy: proxy-token } }
capabilities:
  articles:
    service: { url: http://127.0.0.1:3001, database: postgres://articles@127.0.0.1:1/articles }
    routes: ["ANY /api/articles", "ANY /api/articles/:slug/**", "ANY /admin/articles/:article/**"]
    userType: integer
    anonymous: monolith
    user:
      - { jwt: &login { claim: email, scheme: Token, verify: { secret: &secret "${monolith.env.JWT_SECRET}" } }, lookup: &users { table: Users, match: email, take: id } }
      - { jwt: { claim: email, scheme: Bearer, verify: { secret: *secret } }, lookup: *users }
      - session:
          cookie: conduit.sid
          secret: "\${SESSION_SECRET}"
          claim: [staff, id]
          store: { table: Sessions, id: sid, data: data, expires: expires }
    tables:
      Articles: { user: authorId }
      Comments: { user: { through: articleId, of: Articles } }
`,
    { SESSION_SECRET: monolith.env.JWT_SECRET },
  );
});
afterAll(async () => {
  expect(await monolith.stop()).toBe(0);
});

const userOf = async (method: string, path: string, headers: Record<string, string>) =>
  (await explain(plan, method, path, Object.entries(headers).flat())).of!.identity;

test('a login by e-mail is the user whose id is in the rows, however it was typed and whichever scheme brings it', async () => {
  const login = { user: { email: 'ANN@conduit.TEST', password: 'password' } };
  const { body } = await clientOf(monolith.url)('POST', '/api/users/login', login);
  for (const scheme of ['Token', 'token', 'Bearer'])
    expect(await userOf('POST', '/api/articles', { authorization: `${scheme} ${body.user.token}` })).toEqual({
      user: ids.ann,
    });
});

test('who changes the address is the same user by the next token, and nobody by the last one', async () => {
  const eve = await monolith.register('eve');
  const token = async (email: string): Promise<string> => {
    const login = { user: { email, password: 'password' } };
    return (await clientOf(monolith.url)('POST', '/api/users/login', login)).body.user.token;
  };
  const as = (authorization: string) => userOf('POST', '/api/articles', { authorization });
  const before = await token('eve@conduit.test');
  const known = await as(`Token ${before}`);
  expect(known).toMatchObject({ user: expect.stringMatching(/^\d+$/) });
  await eve('PUT', '/api/user', { user: { email: 'eva@conduit.test' } });
  expect(await as(`Token ${await token('eva@conduit.test')}`)).toEqual(known);
  expect(await as(`Token ${before}`)).toMatchObject({ lack: 'absent' });
});

test('staff are known by the session of the admin page, and by nothing once they have left', async () => {
  const admin = clientOf(monolith.url);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const credentials = 'email=sue%40conduit.test&password=password';
  const { status, headers } = await admin('POST', '/admin/login', credentials, form);
  expect(status).toBe(302);
  const cookie = headers.get('set-cookie')!.split(';')[0]!;
  expect(await userOf('POST', '/admin/articles/7/hide', { cookie })).toEqual({ user: ids.sue });
  await admin('POST', '/admin/logout', undefined, { cookie });
  expect(await userOf('POST', '/admin/articles/7/hide', { cookie })).toMatchObject({ lack: 'absent' });
});
