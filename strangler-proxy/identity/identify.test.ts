import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import { canonicalUser, LONGEST_USER, type UserSource, type UserType } from '@strangler/plan';
import { exportJWK, SignJWT } from 'jose';
import { compileSource } from './compile.ts';
import { type Identity, identifyBy } from './identify.ts';
import { Places } from './places.ts';

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const token = (claims: unknown) => `e30.${base64(claims)}.sig`;
const asked = (headers: readonly string[] = [], target = '/', parameters: Record<string, string> = {}) => ({
  ...{ method: 'GET', isWrite: false, headers, target },
  parameters: new Map(Object.entries(parameters)),
});
const SUB = { claim: 'sub', verify: 'none' } as const;
const CONTEXT = { capability: 'orders', plan: { monolith: {}, capabilities: {} }, places: new Places() };
const by = (type: UserType, ...sources: UserSource[]) =>
  identifyBy(
    sources.map((source) => compileSource(source, CONTEXT)),
    type,
  );
const from = (...sources: UserSource[]) => by('text', ...sources);
const user = (name: string) => ({ user: name });
const unreadable = (why: string) => ({ lack: 'unreadable', why: expect.stringContaining(why) });
const ABSENT = { lack: 'absent', why: 'it names no user' };

describe('a claim of a token', () => {
  const identify = from({ jwt: SUB });
  test.each<[string, unknown, unknown]>([
    ['a text', { sub: 'u1' }, user('u1')],
    ['a whole number', { sub: 7 }, user('7')],
    ['nothing', {}, unreadable('no claim sub')],
    ['an empty text', { sub: '' }, unreadable('is no text')],
    ['an object', { sub: { a: 1 } }, unreadable('no claim sub')],
    ['a fraction', { sub: 1.5 }, unreadable('no claim sub')],
    ['too long', { sub: 'x'.repeat(LONGEST_USER + 1) }, unreadable('longer than 190')],
    ['no object', '"text"', unreadable('no claim sub')],
    ['null', 'null', unreadable('no claim sub')],
    ['no JSON', '{"sub":', unreadable('no JSON')],
  ])('%s', (_, claims, identity) => {
    expect(identify(asked(['Authorization', `Bearer ${token(claims)}`]))).toEqual(identity);
  });

  test('P8 faults 82: a number beyond 2^53 keeps every digit', () => {
    const claims = '{"sub":281674916028284930123}';
    expect(identify(asked(['Authorization', `Bearer ${token(claims)}`]))).toEqual(user('281674916028284930123'));
  });

  test('P8: a claim within another one', () => {
    const nested = from({ jwt: { ...SUB, claim: ['user', 'id'] } });
    expect(nested(asked(['Authorization', `Bearer ${token({ user: { id: 7 } })}`]))).toEqual(user('7'));
    expect(nested(asked(['Authorization', `Bearer ${token({ 'user.id': 7 })}`]))).toEqual(unreadable('user.id'));
  });

  test.each<[readonly string[], unknown]>([
    [[], ABSENT],
    [['Authorization', 'Basic dTpw'], ABSENT],
    [['Authorization', 'Bearer'], unreadable('no JSON Web Token')],
    [['Authorization', 'Bearer a.b'], unreadable('no JSON Web Token')],
    [['Authorization', 'Bearer a.!!!.c'], unreadable('no JSON')],
    [['Authorization', `Bearer ${'x'.repeat(10_000)}`], unreadable('too long')],
    [['Authorization', `bearer ${token({ sub: 'u1' })}`], user('u1')],
  ])('faults 25, 83: %j', (headers, identity) => {
    expect(identify(asked(headers))).toEqual(identity);
  });

  test('faults 22 a claim called __proto__ is only a name', () => {
    for (const name of ['constructor', '__proto__']) {
      const headers = ['Authorization', `Bearer ${token({})}`];
      expect(from({ jwt: { ...SUB, claim: [name] } })(asked(headers))).toEqual(unreadable(name));
    }
  });

  test.each<[string, object, readonly string[], string]>([
    ['with another scheme', { scheme: 'Token' }, ['Authorization', `Token ${token({ sub: 'u1' })}`], '/'],
    ['behind a tab', {}, ['Authorization', `Bearer\t${token({ sub: 'u1' })}`], '/'],
    ['behind blanks', {}, ['Authorization', `Bearer   ${token({ sub: 'u1' })}`], '/'],
    ['in another header', { header: 'X-Token' }, ['x-token', token({ sub: 'u1' })], '/'],
    ['in a cookie', { cookie: 't' }, ['Cookie', `a=1; t=${token({ sub: 'u1' })}`], '/'],
    ['in the query', { query: 'access_token' }, [], `/x?a=1&access_token=${token({ sub: 'u1' })}`],
  ])('%s', (_, place, headers, target) => {
    expect(from({ jwt: { ...SUB, ...place } })(asked(headers, target))).toEqual(user('u1'));
  });

  test('a query parameter that is there twice is unreadable', () => {
    const query = from({ jwt: { ...SUB, query: 't' } });
    expect(query(asked([], '/x?t=a.b.c&t=a.b.c'))).toEqual(unreadable('2 times'));
  });
});

describe('a token that is verified', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const jwks = createServer(async (_, response) => {
    response.end(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }));
  });
  const listening = new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  afterAll(() => new Promise<void>((resolve) => jwks.close(() => resolve())));
  const signed = () => new SignJWT({ sub: 'u1' }).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);
  const of = async (verify: object, text: string): Promise<Identity> =>
    from({ jwt: { claim: 'sub', verify } as never })(asked(['Authorization', `Bearer ${text}`]));
  const hmac = (secret: string) => {
    const content = `${base64({ alg: 'HS256' })}.${base64({ sub: 'u1', exp: 1 })}`;
    return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
  };

  test('by a secret, also when it has expired: that is for the sides to say', async () => {
    expect(await of({ secret: 'a-secret' }, hmac('a-secret'))).toEqual(user('u1'));
    expect(await of({ secret: 'a-secret' }, hmac('another-one'))).toEqual(unreadable('signature'));
    expect(await of({ secret: 'a-secret' }, token({ sub: 'u1' }))).toEqual(unreadable('signature'));
  });

  test('by a public key, which is nobody’s secret', async () => {
    expect(await of({ pem }, await signed())).toEqual(user('u1'));
    expect(await of({ pem }, hmac(pem))).toEqual(unreadable('signature'));
    expect(await of({ pem }, `${base64({ alg: 'none' })}.${base64({ sub: 'u1' })}.`)).toEqual(unreadable(''));
  });

  test('by keys of its issuer, and is unknown while these cannot be had', async () => {
    await listening;
    const url = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/`;
    expect(await of({ jwks: url }, await signed())).toEqual(user('u1'));
    const other = new SignJWT({ sub: 'u1' }).setProtectedHeader({ alg: 'ES256', kid: 'two' }).sign(privateKey);
    expect(await of({ jwks: url }, await other)).toEqual(unreadable('signature'));
    const away = await of({ jwks: 'http://127.0.0.1:1/' }, await signed());
    expect(away).toMatchObject({ lack: 'unknown', why: expect.stringContaining('cannot be had') });
  });
});

test('faults 25 a header that is doubled, oversized or no ASCII is unreadable, never absent', () => {
  const identify = from({ header: 'X-User' });
  expect(identify(asked(['x-user', ' u1 ']))).toEqual(user('u1'));
  expect(identify(asked([]))).toEqual(ABSENT);
  expect(identify(asked(['X-User', 'u1', 'x-user', 'u1']))).toEqual(unreadable('2 headers x-user'));
  expect(identify(asked(['X-User', 'x'.repeat(10_000)]))).toEqual(unreadable('too long'));
  expect(identify(asked(['X-User', 'zo\xc3\xab']))).toEqual(unreadable('not ASCII'));
});

test('P1 faults 25 several Cookie headers are one, as Node joins them; a cookie with two values is unreadable', () => {
  const identify = from({ cookie: 'uid' });
  expect(identify(asked(['Cookie', 'a=1; uid=u%201; b=2']))).toEqual(user('u 1'));
  expect(identify(asked(['Cookie', 'uid="u1"']))).toEqual(user('u1'));
  expect(identify(asked(['Cookie', 'theme=dark', 'cookie', 'uid=42']))).toEqual(user('42'));
  expect(identify(asked(['Cookie', 'uid=u1; uid=u1']))).toEqual(user('u1'));
  expect(identify(asked(['Cookie', 'uid=u1', 'Cookie', 'uid=u2']))).toEqual(unreadable('with 2 values'));
  expect(identify(asked(['Cookie', 'uid=%E0%A4%A']))).toEqual(unreadable('cannot be decoded'));
  expect(identify(asked(['Cookie', `uid=${'x'.repeat(10_000)}`]))).toEqual(unreadable('too long'));
  expect(identify(asked(['Cookie', 'xuid=u1']))).toEqual(ABSENT);
});

test('a parameter of the path, and a constant', () => {
  const identify = from({ path: 'userId' });
  expect(identify(asked([], '/', { userId: '42' }))).toEqual(user('42'));
  expect(identify({ ...asked(), parameters: undefined })).toEqual(unreadable('in two ways'));
  expect(from({ constant: '1' })(asked())).toEqual(user('1'));
});

test('the first source that says anything decides: what cannot be read is not made up for by another one', () => {
  const identify = from({ jwt: SUB }, { header: 'x-user' });
  expect(identify(asked(['Authorization', `Bearer ${token({ sub: 'u1' })}`, 'x-user', 'u2']))).toEqual(user('u1'));
  expect(identify(asked(['x-user', 'u2']))).toEqual(user('u2'));
  expect(identify(asked(['Authorization', 'Bearer x', 'x-user', 'u2']))).toEqual(unreadable('no JSON Web Token'));
});

test('faults 82 a user is the one text of the Plan’s userType, as cdc reads it from rows', () => {
  const spelt = '550E8400-E29B-41D4-A716-446655440000';
  const identify = by('uuid', { header: 'x-user' });
  expect(identify(asked(['x-user', spelt]))).toEqual(user(canonicalUser('uuid', spelt)!));
  expect(identify(asked(['x-user', 'ada']))).toEqual(unreadable('is no uuid'));
});
