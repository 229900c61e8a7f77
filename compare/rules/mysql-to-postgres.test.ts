import { describe, expect, test } from '@jest/globals';
import { compareReplies, mysqlToPostgres, toReply } from '../index.ts';

const reply = (body: unknown, status = 200) =>
  toReply({
    status,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const rules = mysqlToPostgres({
  numbers: ['$.id', '$.total'],
  booleans: ['$.paid'],
  timestamps: ['$.at'],
  zone: '+02:00',
  emptyTexts: ['$.note'],
  nullable: ['$.phone'],
  sortedByText: [{ path: '$.names', by: 'name' }],
  unsorted: ['$.tags'],
  camelCase: ['$.createdAt'],
  errorTexts: ['$.error.message'],
});
const differences = (old: unknown, newer: unknown, status = 200) =>
  compareReplies(reply(old, status), reply(newer, status), rules).differences.map(
    ({ kind, path }) => `${kind} ${path}`,
  );
const names = (...all: string[]) => ({ names: all.map((name) => ({ name })) });

describe('what MySQL and Postgres give differently', () => {
  test.each<[string, unknown, unknown]>([
    ['BIGINT as a text', '{"id":9007199254740993}', '{"id":"9007199254740993"}'],
    ['DECIMAL as a text with its scale', { total: 19.9 }, { total: '19.90' }],
    ['TINYINT(1) as a truth value', { paid: 1 }, { paid: true }],
    ['DATETIME as timestamptz', { at: '2026-07-01 14:00:00' }, { at: '2026-07-01T12:00:00.123456Z' }],
    ['DATETIME with a fraction', { at: '2026-07-01 14:00:00.250' }, { at: '2026-07-01 12:00:00.25+00' }],
    ['an empty text as NULL', { note: '' }, { note: null }],
    ['NULL left out', { phone: null }, {}],
    ['names by case-insensitive collation', names('anna', 'Bert', 'carl'), names('Bert', 'anna', 'carl')],
    ['rows as they lie', { tags: [1, 2, 3] }, { tags: [3, 1, 2] }],
    ['members in snake_case', { createdAt: 'x' }, { created_at: 'x' }],
  ])('%s is excused', (_, old, newer) => {
    expect(differences(old, newer)).toEqual([]);
  });

  test.each<[string, unknown, unknown, string[]]>([
    ['a digit of a BIGINT', '{"id":9007199254740993}', '{"id":"9007199254740992"}', ['value $.id']],
    ['a cent', { total: 19.9 }, { total: '19.91' }, ['value $.total']],
    ['the truth', { paid: 1 }, { paid: false }, ['type $.paid']],
    ['another number for a truth value', { paid: 2 }, { paid: true }, ['type $.paid']],
    ['the zone', { at: '2026-07-01 14:00:00' }, { at: '2026-07-01T14:00:00Z' }, ['value $.at']],
    ['a second', { at: '2026-07-01 14:00:00' }, { at: '2026-07-01T12:00:01Z' }, ['value $.at']],
    ['a text that is no timestamp', { at: '2026-07-01 14:00:00' }, { at: 'yesterday' }, ['value $.at']],
    ['a text that was there', { note: 'x' }, { note: null }, ['type $.note']],
    ['a value that was not NULL', { phone: '1' }, {}, ['missing $.phone']],
    ['an order that is none', names('anna', 'Bert', 'carl'), names('carl', 'anna', 'Bert'), ['order $.names']],
    ['the other direction', names('anna', 'Bert', 'carl'), names('carl', 'Bert', 'anna'), ['order $.names']],
    ['another element', { tags: [1, 2, 3] }, { tags: [3, 1, 4] }, ['value $.tags[*]']],
    ['a renamed member’s value', { createdAt: 'x' }, { created_at: 'y' }, ['value $.createdAt']],
    ['both names at once', { createdAt: 'x' }, { created_at: 'x', createdAt: 'x' }, ['extra $.created_at']],
    ['the same drift elsewhere', { other: { total: 1 } }, { other: { total: '1' } }, ['type $.other.total']],
  ])('%s is not', (_, old, newer, expected) => {
    expect(differences(old, newer)).toEqual(expected);
  });

  test('errors may be worded otherwise, but only as errors, and there must be a message', () => {
    const error = (message?: string, code = 'unique') => ({ error: { code, message } });
    const [old, newer] = [
      error('Validation error: users.email must be unique'),
      error('duplicate key value violates "users_email_key"'),
    ];
    expect(differences(old, newer, 409)).toEqual([]);
    expect(differences(old, newer, 200)).toEqual(['value $.error.message']);
    expect(differences(old, error(undefined), 409)).toEqual(['missing $.error.message']);
    expect(differences(old, error('x', 'other'), 409)).toEqual(['value $.error.code']);
  });

  test('is scoped to routes where it says so', () => {
    const scoped = mysqlToPostgres({ numbers: ['$.total'], routes: ['GET /orders/*'] });
    const kind = (path: string) =>
      compareReplies(reply({ total: 1 }), reply({ total: '1' }), scoped, { asked: { method: 'GET', path } }).kind;
    expect([kind('/orders/5'), kind('/carts/5')]).toEqual(['equal-by-rule', 'mismatch']);
  });
});
