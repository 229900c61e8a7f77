import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, stringifyJson } from '../reply/json.ts';
import { redactor } from './redact.ts';

const { text, headers, url, body } = redactor();
const jsonOf = (value: unknown, more = {}) =>
  JSON.parse(stringifyJson(redactor(more).json(parseJson(JSON.stringify(value)))));

/** Number `n` of many secrets, each of another kind, and where it is planted. */
function planted(n: number): { secret: string; where: (secret: string) => string } {
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI${n}xyzabcdef.s3cr3tS1gnature${n}`;
  const secrets = [
    jwt,
    `Bearer opaque-token-${n}-abcdef`,
    `ada.${n}@example.test`,
    withCheckDigit(`4${String(100_000_000_000_00 + n * 7919).slice(0, 14)}`),
    `AKIA${String(n).padStart(16, 'A')}`,
    `postgres://app:hunter${n}secret@db.internal/shop`,
    'DE89370400440532013000',
    `-----BEGIN PRIVATE KEY-----\nMIIE${n}vQIBADANBg\n-----END PRIVATE KEY-----`,
  ];
  const inner = (secret: string) => (secret.includes('://') ? `hunter${n}secret` : secret.replace(/^Bearer /, ''));
  const places: ((secret: string) => string)[] = [
    (secret) => JSON.stringify(redactor().json(parseJson(JSON.stringify({ deep: [{ note: `see ${secret} here` }] })))),
    (secret) => text(`a line with ${secret} in it`),
    (secret) => JSON.stringify(headers({ 'x-note': [secret] })),
    (secret) => url(`/search?q=${encodeURIComponent(secret)}&page=2`),
    (secret) => body(JSON.stringify([secret]), 'application/json'),
  ];
  const secret = secrets[n % secrets.length]!;
  return { secret: inner(secret), where: () => places[Math.floor(n / secrets.length) % places.length]!(secret) };
}

function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const doubled = at % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

describe('redactor', () => {
  test('lets none of 200 planted secrets through', () => {
    const seen = Array.from({ length: 200 }, (_, n) => planted(n)).filter(({ secret, where }) => {
      const left = where(secret);
      return left.includes(secret) || left.includes(encodeURIComponent(secret));
    });
    expect(seen.map(({ secret }) => secret)).toEqual([]);
  });

  test('hides members by name at any depth, keeps their type, and leaves their neighbours', () => {
    const order = {
      user: { password: 'x', Access_Token: 't', 'api-key': 'k', name: 'Ada' },
      pin: 1234,
      session: { id: 's' },
    };
    expect(jsonOf(order)).toEqual({
      user: { password: '[secret]', Access_Token: '[secret]', 'api-key': '[secret]', name: 'Ada' },
      pin: 0,
      session: { id: '[secret]' },
    });
    expect(jsonOf({ passwordless: true, tokens: 5, cardinality: 'high', pinned: 1 })).toEqual({
      passwordless: true,
      tokens: 5,
      cardinality: 'high',
      pinned: 1,
    });
  });

  test('hides what a path names and nothing beside it', () => {
    const paths = ['$.orders[*].address', '$..phone'];
    expect(
      jsonOf({ orders: [{ id: 1, address: { street: 'a', no: 5 }, phone: '1' }], address: 'b' }, { paths }),
    ).toEqual({
      orders: [{ id: 1, address: { street: '[secret]', no: 0 }, phone: '[secret]' }],
      address: 'b',
    });
    expect(() => redactor({ paths: ['orders'] })).toThrow('must begin with $');
  });

  test('hides credentials in headers, whatever their case, and keeps what does no harm', () => {
    const kept = headers({
      Authorization: ['Bearer x'],
      'set-cookie': ['sid=1', 'a=2'],
      'content-type': ['text/html'],
    });
    expect({ ...kept }).toEqual({
      Authorization: ['[secret]'],
      'set-cookie': ['[secret]', '[secret]'],
      'content-type': ['text/html'],
    });
    expect({ ...redactor({ headers: ['X-Own'] }).headers({ 'x-own': ['1'] }) }).toEqual({ 'x-own': ['[secret]'] });
  });

  test('hides query parameters and form fields', () => {
    expect(url('/login?user=ada&access_token=abc&next=%2Fa')).toBe(
      '/login?user=ada&access_token=%5Bsecret%5D&next=%2Fa',
    );
    expect(body('a=1&password=p%20q', 'application/x-www-form-urlencoded')).toBe('a=1&password=%5Bsecret%5D');
  });

  test('tells card numbers from ids by their check digit, also where they are JSON numbers', () => {
    expect(text('4111 1111 1111 1111 and 4111111111111112')).toBe('[card] and 4111111111111112');
    expect(jsonOf({ a: 4111111111111111, b: 19.9, c: 1234567890123 })).toEqual({
      a: '[card]',
      b: 19.9,
      c: 1234567890123,
    });
  });

  test('hides secrets in the names of members', () => {
    expect(jsonOf({ 'ada@example.test': { total: 1 } })).toEqual({ '[e-mail]': { total: 1 } });
  });

  test('keeps every digit of what it does not hide', () => {
    expect(body('{"id":9007199254740993}', 'application/json')).toBe('{"id":9007199254740993}');
  });

  test('leaves out what it cannot look into', () => {
    expect(body('\u0000\u0001', 'image/png')).toBe('[2 characters left out]');
    expect(body('<a>ada@example.test</a>', 'application/xml')).toBe('<a>[e-mail]</a>');
    expect(body('{"password": "x', 'application/json')).not.toContain('ada@');
  });

  test('with a key marks equal secrets alike and others not', () => {
    const keyed = redactor({ key: 'k' });
    const [one, again, other] = [keyed.text('a@b.test'), keyed.text('a@b.test'), keyed.text('c@b.test')];
    expect(one).toMatch(/^\[e-mail [0-9a-f]{12}\]$/);
    expect(again).toBe(one);
    expect(other).not.toBe(one);
    expect(redactor({ key: 'other' }).text('a@b.test')).not.toBe(one);
  });

  test('calls secrets it knows by their names, also where one is part of another or of its name', () => {
    const { text, json } = redactor({
      key: 'k',
      known: new Map([
        ['ada', 'ada'],
        ['ada+$1', 'ada-password'],
      ]),
    });
    expect(text('ada and ada+$1')).toBe('[known ada] and [known ada-password]');
    expect(json({ password: 'ada+$1', pin: 'ad' })).toEqual({
      password: '[known ada-password]',
      pin: expect.stringMatching(/^\[secret \w{12}\]$/),
    });
  });

  test('finds secrets by their names in texts of any notation', () => {
    const given = `password=hunter2&x=1 "apiKey": "k 1", authorization: Bearer abc <pin-code>1</pin-code> <ns:token a="b">t</ns:token>`;
    expect(body(given, 'text/plain')).toBe(
      'password=[secret]&x=1 "apiKey": "[secret]", authorization: [secret] <pin-code>1</pin-code> <ns:token a="b">[secret]</ns:token>',
    );
    expect(body('<input name="csrf_token" type=hidden value="abc">', 'text/html')).not.toContain('abc');
    expect(body('{"password":"x"}', 'application/x-www-form-urlencoded')).toBe('{"password":"[secret]"}');
    expect(jsonOf({ log: 'token=abc', nested: '{"secret":"x"}', newPassword: 'x' })).toEqual({
      log: 'token=[secret]',
      nested: '{"secret":"[secret]"}',
      newPassword: '[secret]',
    });
  });

  test('hides what samples of differences show, whole or cut', () => {
    const { sample } = redactor({ paths: ['$.user.phone'] });
    expect(sample('$.token', '"opaque"')).toBe('[secret]');
    expect(sample('$.user.phone', '"030"')).toBe('[secret]');
    expect(sample('$.items[*].password.old', '"x"')).toBe('[secret]');
    expect(sample('$.user', '{"password": "x", "id": 9007199254740993}')).toBe(
      '{"password":"[secret]","id":9007199254740993}',
    );
    expect(sample('status', '200 {"token": "opaque", "list": [{…}]}')).toBe('200 {"token": "[secret]", "list": [{…}]}');
    expect(sample('$', '{"a": {…}, "secret": "cut of')).toBe('{"a": {…}, "secret": "[secret]"');
    expect(sample('$.total', '19.9')).toBe('19.9');
  });

  test('changes nothing it is given, nor any prototype, and redacts twice as once', () => {
    const hostile = parseJson('{"__proto__":{"password":"x"},"a":["b@c.test"]}');
    const before = JSON.stringify(hostile);
    const once = redactor().json(hostile);
    expect(JSON.stringify(once)).toBe('{"__proto__":{"password":"[secret]"},"a":["[e-mail]"]}');
    expect(JSON.stringify(hostile)).toBe(before);
    expect(({} as { password?: unknown }).password).toBeUndefined();
    fc.assert(
      fc.property(fc.json(), (given) => {
        const twice = redactor().json(redactor().json(parseJson(given)));
        expect(twice).toEqual(redactor().json(parseJson(given)));
      }),
    );
  });

  test.each([
    ['token=abc-eyJhbGciOi.eyJzdWIiOi.sig', 'eyJhbGciOi'],
    ['a.b.eyJhbGciOi.eyJzdWIiOi.sig', 'sig'],
    ['eyJa-eyJhbGciOi.eyJzdWIiOi.sig-eyJ', 'eyJhbGciOi'],
    ['x-eyJx.eyJhbGciOi.eyJzdWIiOi.sig', 'sig'],
  ])('finds a token in the middle of a word: %s', (given, secret) => {
    expect(text(given)).toContain('[token]');
    expect(text(given)).not.toContain(secret);
  });

  test('keeps what stands before a token in one word, and gives own patterns their groups', () => {
    expect(text('sid-eyJhbGciOi.eyJzdWIiOi.sig end')).toBe('sid-[token] end');
    expect(redactor({ patterns: [/(a)(b+)/] }).text('xabby')).toBe('x[secret]y');
  });
});
