import { describe, expect, test } from '@jest/globals';
import type { ForeignKey } from '../mapping/foreign-keys.ts';
import type { MappedTable } from '../mapping/mapping.ts';
import { isOfOneUser } from '../mapping/references.ts';
import type { UserPath } from '../mapping/user-column.ts';
import { cascadesAreLogged, findingOf } from './foreign-keys.ts';
import { strictnessOf } from './mysql.ts';

const table = (name: string, user: UserPath, columns: readonly string[]) =>
  ({
    ...{ name, user, key: ['id'], tables: { monolith: name, service: name } },
    columns: columns.map((column) => ({
      ...{ name: column, kind: { name: 'integer' } },
      ...{ monolith: { name: column, nullable: true }, service: { name: column, nullable: true } },
    })),
  }) as unknown as MappedTable;
const column = (name: string): UserPath => ({ ways: [{ column: name }], type: 'integer' });

const orders = table('Orders', column('userId'), ['id', 'userId']);
const items = table('Items', { ways: [{ through: ['orderId'], of: 'Orders' }], type: 'integer' }, ['id', 'orderId']);
const notes = table('Notes', column('userId'), ['id', 'userId', 'orderId', 'tagId']);
const tags = table('Tags', { shared: 'insert-only' }, ['id']);
const kinds = table('Kinds', { shared: 'monolith' }, ['id', 'tagId']);
const TABLES = [orders, items, notes, tags, kinds];

const key = (child: string, pairs: ForeignKey['pairs'], onDelete = 'CASCADE', parent = 'Orders'): ForeignKey => ({
  ...{ side: 'monolith', name: 'the key', child, parent, pairs, onDelete },
});
const onBoth = (one: ForeignKey) => [one, { ...one, side: 'service' as const }];
const find = (one: ForeignKey, isLogged = true, all = onBoth(one)) => findingOf(OWNERS, TABLES, one, isLogged, all);
const OWNERS = new Map([
  ['Orders', { path: ['userId'] }],
  ['Items', { path: ['orderId'] }],
  ['Notes', { path: ['userId'] }],
  ['Tags', { path: [] }],
  ['Kinds', { path: [] }],
]);

describe('a foreign key', () => {
  test('which is the way to the user, or carries the user, crosses nobody', () => {
    expect(find(key('Items', [['orderId', 'id']]))).toBeUndefined();
    const both = [
      ['userId', 'userId'],
      ['orderId', 'id'],
    ] as const;
    expect(find(key('Notes', both))).toBeUndefined();
    expect(isOfOneUser({ child: notes, parent: orders, pairs: [['orderId', 'id']] })).toBe(false);
  });

  test('between rows of two users is named, with what the sync does, and the line of the Plan beside the statement', () => {
    expect(find(key('Notes', [['orderId', 'id']]))?.why).toContain('the sync takes that away, on both sides');
    expect(find(key('Notes', [['orderId', 'id']], 'SET NULL'))).toMatchObject({
      level: 'warning',
      what: expect.stringMatching(/ON DELETE SET NULL: it crosses users$/),
      why: expect.stringContaining('the sync takes the reference from that, on both sides, and keeps it as orphaned'),
      fix: expect.stringMatching(
        /^ALTER TABLE `Notes` DROP FOREIGN KEY `the key`; -- on both sides, or on neither.* user: \{ through: orderId, of: Orders \} under tables.Notes/,
      ),
    });
  });

  test('between rows of two users that one side alone has is named with the statement that gives it to the other', () => {
    const alone = key('Notes', [['orderId', 'id']], 'SET NULL');
    expect(find(alone, true, [alone])).toMatchObject({
      level: 'warning',
      what: expect.stringMatching(/ON DELETE SET NULL: it crosses users, and the service has no such foreign key$/),
      why: expect.stringContaining('gives the Notes the reference NULL'),
      fix: expect.stringMatching(
        /^ALTER TABLE "Notes" ADD CONSTRAINT "the key" FOREIGN KEY \("orderId"\) REFERENCES "Orders" \("id"\) ON DELETE SET NULL; -- and restart cdc; or .*through: orderId/,
      ),
    });
    const services = { ...key('Notes', [['orderId', 'id']]), side: 'service' } as const;
    expect(find(services, false, [services])?.fix).toMatch(/^ALTER TABLE `Notes` .* ON DELETE RESTRICT;/);
  });

  test('to a row of everybody’s may stay, if such a row stays while it is referred to', () => {
    const way = [['tagId', 'id']] as const;
    expect(find(key('Notes', way, 'CASCADE', 'Tags'))).toMatchObject({
      ...{ level: 'warning', what: expect.stringMatching(/ON DELETE CASCADE: Tags is everybody’s$/) },
      fix: expect.stringMatching(
        /REFERENCES `Tags` \(`id`\) ON DELETE RESTRICT; -- and let the application delete a Notes/,
      ),
    });
    for (const rule of ['RESTRICT', 'NO ACTION']) expect(find(key('Notes', way, rule, 'Tags'))).toBeUndefined();
    expect(find(key('Kinds', way, 'CASCADE', 'Tags'))).toBeUndefined(); // both are the monolith’s to delete
  });

  test('is an error where MySQL does not log what it does to a mapped table, whoever’s rows they are', () => {
    expect(find(key('Items', [['orderId', 'id']]), false)).toMatchObject({
      level: 'error',
      why: expect.stringContaining('does not log'),
      fix: expect.stringMatching(
        /^ALTER TABLE `Items` DROP FOREIGN KEY `the key`; ALTER TABLE `Items` ADD CONSTRAINT `the key` FOREIGN KEY \(`orderId`\) REFERENCES `Orders` \(`id`\) ON DELETE RESTRICT; --/,
      ),
    });
    expect(find(key('Items', [['orderId', 'id']], 'RESTRICT'), false)).toBeUndefined();
    expect(find(key('Audits', [['orderId', 'id']]), false)).toMatchObject({ level: 'warning' });
  });

  test('that takes the user away from a row is an error, whatever it leads to', () => {
    for (const parent of ['Orders', 'People']) {
      expect(find(key('Notes', [['userId', 'id']], 'SET NULL', parent))).toMatchObject({
        ...{ level: 'error', why: `a ${parent} that is deleted leaves rows of nobody, which have no side to be on` },
        fix: expect.stringContaining('ON DELETE RESTRICT'),
      });
    }
  });

  test('of tables outside the Plan is none of our business', () => {
    expect(find(key('Audits', [['userId', 'id']], 'CASCADE', 'People'), false)).toBeUndefined();
  });

  test('is logged by the servers that say so: before 9.6 there is no such variable', () => {
    expect([undefined, 'ON', 'OFF'].map(cascadesAreLogged)).toEqual([false, false, true]);
  });
});

describe('the server’s sql_mode', () => {
  test('must be strict, or the monolith cuts what the service refuses', () => {
    expect(strictnessOf('ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES')).toBeUndefined();
    expect(strictnessOf('NO_ZERO_DATE')?.fix).toBe("SET PERSIST sql_mode = 'NO_ZERO_DATE,STRICT_TRANS_TABLES';");
    expect(strictnessOf('')?.fix).toBe("SET PERSIST sql_mode = 'STRICT_TRANS_TABLES';");
  });
});
