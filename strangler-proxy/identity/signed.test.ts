import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileSource } from './compile.ts';
import { Places } from './places.ts';
import { signedCookieSays } from './signed.ts';

const signature = (value: string, secret: string) =>
  createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, '');
/** As cookie-signature and cookie write it. */
const signed = (value: string, secret: string) => encodeURIComponent(`s:${value}.${signature(value, secret)}`);
const BAD = { unreadable: 'the signature of the cookie uid is not good' };

const says = (cookie: string, secrets: readonly string[] = ['keyboard cat']) =>
  signedCookieSays(['Cookie', `uid=${cookie}`], 'uid', secrets);

test('a signed cookie is its value, whichever of the secrets has signed it', () => {
  expect(says(signed('ada', 'keyboard cat'))).toEqual({ user: 'ada' });
  expect(says(signed('a.d.a', 'old'), ['new', 'old'])).toEqual({ user: 'a.d.a' });
  expect(signedCookieSays(['Cookie', 'other=1'], 'uid', ['keyboard cat'])).toBeUndefined();
});

test('what is not signed, or by another secret, or cut, is unreadable', () => {
  const good = decodeURIComponent(signed('ada', 'keyboard cat'));
  for (const cookie of [
    'ada',
    's:ada',
    's:',
    's:.',
    's:ada.',
    signed('ada', 'dog'),
    good.slice(2),
    good.slice(0, -1),
    `${good}=`,
  ])
    expect(says(encodeURIComponent(cookie))).toEqual(BAD);
  expect(says(signed('ada', 'keyboard cat').replace('ada', 'eve'))).toEqual(BAD);
});

test('nothing but a good signature names anybody, whatever stands there', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (cookie) => {
      const said = says(cookie);
      if (said && 'user' in said)
        expect(decodeURIComponent(cookie)).toBe(`s:${said.user}.${signature(said.user, 'keyboard cat')}`);
    }),
  );
});

test('as a source of the Plan', () => {
  const setting = { capability: 'orders', plan: { monolith: {}, capabilities: {} }, places: new Places() };
  const source = compileSource({ cookie: 'uid', signed: ['new', 'keyboard cat'] }, setting);
  const asked = { method: 'GET', isWrite: false, target: '/', parameters: new Map<string, string>() };
  expect(source({ ...asked, headers: ['Cookie', `uid=${signed('7', 'keyboard cat')}`] })).toEqual({ user: '7' });
  expect(source({ ...asked, headers: ['Cookie', 'uid=7'] })).toEqual(BAD);
});
