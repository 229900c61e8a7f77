import { describe, expect, test } from '@jest/globals';
import { readUserFrom } from './user.ts';

const encode = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString('base64url');
const bearer = (claims: unknown) => ['Authorization', `Bearer e30.${encode(claims)}.sig`];

describe('a claim of the token', () => {
  const userOf = readUserFrom({ jwt: 'sub' });
  test.each([
    ['a string', { sub: 'u1' }, 'u1'],
    ['a whole number', { sub: 7 }, '7'],
    ['nothing', {}, undefined],
    ['an empty string', { sub: '' }, undefined],
    ['an object', { sub: { a: 1 } }, undefined],
    ['a fraction', { sub: 1.5 }, undefined],
    ['too long', { sub: 'x'.repeat(300) }, undefined],
    ['no object', 'text', undefined],
    ['null', null, undefined],
  ])('%s', (_, claims, user) => {
    expect(userOf(bearer(claims))).toBe(user);
  });

  test.each([
    [[]],
    [['Authorization', 'Basic dTpw']],
    [['Authorization', 'Bearer']],
    [['Authorization', 'Bearer a.b']],
    [['Authorization', 'Bearer a.!!!.c']],
    [['Authorization', `Bearer e30.${Buffer.from('{"sub":').toString('base64url')}.sig`]],
    [[...bearer({ sub: 'u1' }), ...bearer({ sub: 'u2' })]],
  ])('what cannot be read is nobody: %j', (headers) => {
    expect(userOf(headers)).toBeUndefined();
  });

  test('faults 22 a claim called __proto__ is only a name', () => {
    expect(readUserFrom({ jwt: 'constructor' })(bearer({}))).toBeUndefined();
    expect(readUserFrom({ jwt: '__proto__' })(bearer({}))).toBeUndefined();
  });

  test('the scheme’s case does not matter', () => {
    expect(userOf(['authorization', `bearer e30.${encode({ sub: 'u1' })}.sig`])).toBe('u1');
  });
});

test('faults 25 a header that is doubled or oversized is absent', () => {
  const userOf = readUserFrom({ header: 'X-User' });
  expect(userOf(['x-user', 'u1'])).toBe('u1');
  expect(userOf(['X-User', 'u1', 'x-user', 'u1'])).toBeUndefined();
  expect(userOf(['X-User', 'x'.repeat(10_000)])).toBeUndefined();
});

test('faults 25 a cookie that is doubled, oversized or undecodable is absent', () => {
  const userOf = readUserFrom({ cookie: 'uid' });
  expect(userOf(['Cookie', 'a=1; uid=u%201; b=2'])).toBe('u 1');
  expect(userOf(['Cookie', 'uid="u1"'])).toBe('u1');
  expect(userOf(['Cookie', 'uid=u1; uid=u2'])).toBeUndefined();
  expect(userOf(['Cookie', 'uid=%E0%A4%A'])).toBeUndefined();
  expect(userOf(['Cookie', `uid=${'x'.repeat(10_000)}`])).toBeUndefined();
  expect(userOf(['Cookie', 'uid=u1', 'Cookie', 'uid=u2'])).toBeUndefined();
  expect(userOf(['Cookie', 'xuid=u1'])).toBeUndefined();
});
