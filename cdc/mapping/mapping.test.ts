import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { tableOf } from '../../plan/testing/table.ts';
import { nameOf } from '../rows/aggregates.ts';
import { toRow } from './captured-row.ts';
import type { Column, TableShape } from './columns.ts';
import { kindOf } from './kind-of.ts';
import { mapTable } from './mapping.ts';
import { leadOf, mistakesOfParents, NOBODY, userIn, wayOf } from './user-column.ts';

const column = (name: string, type: string, digits = 6): Column => ({
  ...{ name, type, cast: type, digits, nullable: false },
});
const shape = (columns: readonly Column[]): TableShape => ({
  table: 'things',
  columns,
  generated: [],
  primaryKey: [columns[0]!.name],
});
const declared = tableOf({ user: 'owner' });

const mysql = [
  column('id', 'bigint unsigned'),
  column('owner', 'int'),
  column('price', 'decimal'),
  column('open', 'tinyint(1)'),
  column('made', 'datetime', 3),
  column('extra', 'json'),
  column('bytes', 'blob'),
];
const postgres = [
  column('id', 'numeric'),
  column('owner', 'int4'),
  column('price', 'numeric'),
  column('open', 'bool'),
  column('made', 'timestamptz', 3),
  column('extra', 'jsonb'),
  column('bytes', 'bytea'),
];

describe('mapping a table', () => {
  test('a value said by either side’s capture is the same canonical row, so the way there and back loses nothing', () => {
    const reasons: string[] = [];
    const table = mapTable('things', declared, 'integer', shape(mysql), shape(postgres), reasons)!;
    expect(reasons).toEqual([]);
    const unsigned = (value: bigint) => Buffer.from(value.toString(16).padStart(18, '0'), 'hex').toString('base64');
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: -(10 ** 9), max: 10 ** 9 }),
        fc.boolean(),
        fc.date({ min: new Date(0), max: new Date('2199-01-01'), noInvalidDate: true }),
        fc.uint8Array(),
        (id, cents, open, made, bytes) => {
          const common = { owner: 7, extra: '{"b":1,"a":[null]}', bytes: Buffer.from(bytes).toString('hex') };
          const price = (cents / 100).toFixed(2);
          const at = made.toISOString();
          const left = { ...common, id: unsigned(id), price, open: Number(open), made: at };
          const right = { ...common, id: String(id), price: `${price}00`, open, made: at };
          expect(toRow(table, 'service', right)).toEqual(toRow(table, 'monolith', left));
          expect(toRow(table, 'monolith', left).id).toBe(String(id));
        },
      ),
    );
  });

  test('names every column that cannot be mapped, at once', () => {
    const reasons: string[] = [];
    const left = shape([
      column('id', 'bigint'),
      column('owner', 'int'),
      column('only_here', 'int'),
      column('at', 'time'),
    ]);
    const right = shape([
      column('id', 'int8'),
      column('owner', 'int4'),
      column('at', 'interval'),
      column('only_there', 'text'),
    ]);
    const named = {
      ...{ ...declared, sameWhen: ['nothing'], distinct: [['nowhere']] },
      writers: [{ by: 'a job', columns: ['never'], inserts: false, deletes: false }],
    };
    expect(mapTable('things', named, 'integer', left, right, reasons)).toBeUndefined();
    const all = ['only_here', 'only_there', 'at is time', 'column nothing', 'column nowhere', 'column never'];
    for (const name of all) expect(reasons.join('\n')).toContain(name);
  });

  test('follows the names the Plan declares, and refuses keys that differ', () => {
    const left = shape([column('id', 'bigint'), column('owner', 'int')]);
    const right = shape([column('uid', 'int8'), column('owner', 'int4')]);
    const reasons: string[] = [];
    expect(mapTable('things', { ...declared, columns: { id: 'uid' } }, 'integer', left, right, reasons)?.key).toEqual([
      'id',
    ]);
    expect(mapTable('things', declared, 'integer', left, { ...left, primaryKey: ['owner'] }, reasons)).toBeUndefined();
    expect(reasons.join()).toMatch(/primary key/);
  });

  test('refuses rows that may be nobody’s, with the statement that makes them somebody’s', () => {
    const reasons: string[] = [];
    const nobodys = (type: string) => ({ ...column('owner', type), nullable: true });
    const left = shape([column('id', 'bigint'), nobodys('int')]);
    expect(
      mapTable('things', declared, 'integer', left, shape([column('id', 'int8'), nobodys('int4')]), reasons),
    ).toBeUndefined();
    expect(reasons).toEqual([
      'things: column owner, which says whose a row is, may be NULL in the monolith and in the service, and a row of nobody has no side to be on: ALTER TABLE `things` MODIFY `owner` int NOT NULL; ALTER TABLE "things" ALTER COLUMN "owner" SET NOT NULL; -- or, if such rows are the monolith’s: unowned: monolith under this table of the Plan',
    ]);
  });

  test('refuses columns that cannot lead to one row of a parent: too few of them, or of another kind', () => {
    const mapped = (
      name: string,
      columns: readonly [Column, Column][],
      key: string[],
      user: Parameters<typeof tableOf>[0]['user'],
    ) => {
      const at = (side: 0 | 1) => ({ ...shape(columns.map((pair) => pair[side])), table: name, primaryKey: key });
      return mapTable(name, tableOf({ user }), 'integer', at(0), at(1), [])!;
    };
    const int = (name: string) => [column(name, 'int'), column(name, 'int4')] as [Column, Column];
    const text = (name: string) => [column(name, 'varchar'), column(name, 'text')] as [Column, Column];
    const lines = mapped('lines', [int('order'), text('no'), int('owner')], ['order', 'no'], 'owner');
    const said = (...through: string[]) => {
      const columns = [int('id'), int('a'), int('b'), text('c')];
      const table = mapped('parcels', columns, ['id'], [{ through, of: 'lines' }]);
      return mistakesOfParents(table, new Map([[lines.name, lines]]));
    };
    expect(said('a', 'c')).toEqual([]);
    expect(said('a')).toEqual([
      'parcels: a cannot lead to one row of lines, whose primary key is (order, no): name the columns that hold all of it, in its order, as in through: [order, no]',
    ]);
    expect(said('a', 'b')).toEqual([
      'parcels: column b is integer, and no of lines, to which it leads, is text: no row would be found by it. Give both one type on each side',
    ]);
  });

  test('tells a row’s user by the first way that is set, and whether a row goes on by another one', () => {
    const ways = [{ column: 'owner' }, { through: ['order', 'line'], of: 'lines' }, { column: 'editor' }];
    const table = { user: { ways, type: 'integer' } } as const;
    const row = (owner: string | null, order: string | null, line: string | null, editor: string | null) => ({
      ...{ owner, order, line, editor },
    });
    const lead = (...values: Parameters<typeof row>) => wayOf(table, row(...values));
    expect([lead('7', '1', '1', '8'), lead(null, '1', '1', '8'), lead(null, '1', null, '8')]).toEqual(ways);
    expect(userIn(table, row('07', null, null, null))).toBe('7');
    expect(userIn(table, row(null, '1', '1', '8'))).toBeUndefined();
    expect(userIn(table, row(null, null, '1', '8'))).toBe('8');
    expect([userIn(table, row(null, null, null, null)), lead(null, null, null, null)]).toEqual([null, undefined]);
    const same = (a: Parameters<typeof row>, b: Parameters<typeof row>) =>
      leadOf(table, row(...a)) === leadOf(table, row(...b));
    expect(same(['7', null, null, null], ['7', '1', '1', '8'])).toBe(true);
    expect(same(['7', null, null, null], [null, null, null, '7'])).toBe(false);
    expect(same([null, '1', '1', '7'], [null, '1', '2', '7'])).toBe(false);
    expect(same([null, null, null, null], [null, '1', null, null])).toBe(true);
  });

  test('faults 84 rows without a user are the monolith’s where the Plan says so, if the service can hold them', () => {
    const nobodys = (type: string) => ({ ...column('owner', type), nullable: true });
    const left = shape([column('id', 'bigint'), nobodys('int')]);
    const mappedTo = (owner: Column, reasons: string[] = []) =>
      mapTable(
        'things',
        tableOf({ user: 'owner', unowned: 'monolith' }),
        'integer',
        left,
        shape([column('id', 'int8'), owner]),
        reasons,
      );
    const table = mappedTo(nobodys('int4'))!;
    expect([userIn(table, { owner: null }), userIn(table, { owner: '7' })]).toEqual([NOBODY, '7']);
    const reasons: string[] = [];
    expect(mappedTo(column('owner', 'int4'), reasons)).toBeUndefined();
    expect(reasons.join()).toContain('ALTER TABLE "things" ALTER COLUMN "owner" DROP NOT NULL');
  });

  test('rows that are everybody’s need no user column', () => {
    const [left, right] = [shape([column('id', 'bigint')]), shape([column('id', 'int8')])];
    const table = mapTable('things', tableOf({ shared: 'insert-only' }), 'integer', left, right, [])!;
    expect(userIn(table, { id: '1' })).toBe(NOBODY);
  });

  test('where no users are split, a row has no user column, and is told from others by its table and key', () => {
    const reasons: string[] = [];
    const columns = (type: string) => [column('shop', type), column('id', type), column('sku', type)];
    const mapped = (primaryKey: string[]) => {
      const of = (type: string) => ({ ...shape(columns(type)), primaryKey });
      return mapTable('things', tableOf({ sameWhen: ['sku'] }), 'text', of('bigint'), of('int8'), reasons)!;
    };
    const row = { shop: '3', id: '7', sku: '1' };
    expect([userIn(mapped(['id']), row), userIn(mapped(['shop', 'id']), row)]).toEqual([
      'things 7',
      'things ["3","7"]',
    ]);
    expect(nameOf(mapped(['shop', 'id']), row)).toBe('things ["3","7"]');
    expect(reasons).toEqual([]);
  });

  test('faults 82 refuses a user column that is not of the Plan’s userType, and says which fits', () => {
    const reasonsFor = (
      mysql: string,
      postgres: string,
      type: 'text' | 'caseless' | 'integer' | 'uuid',
      loose = false,
    ) => {
      const reasons: string[] = [];
      const left = shape([column('id', 'bigint'), { ...column('owner', mysql), loose }]);
      mapTable('things', declared, type, left, shape([column('id', 'int8'), column('owner', postgres)]), reasons);
      return reasons.join();
    };
    expect(reasonsFor('int', 'int4', 'text')).toContain('the Plan’s userType is text; userType: integer fits');
    expect(reasonsFor('varchar', 'text', 'integer')).toContain('userType: text fits');
    expect(reasonsFor('varchar', 'text', 'text', true)).toContain('Set userType: caseless if they are one');
    expect(reasonsFor('date', 'date', 'text')).toContain('no userType fits');
    for (const [mysql, postgres, type] of [
      ['int', 'int4', 'integer'],
      ['varchar', 'text', 'text'],
      ['varchar', 'text', 'caseless'],
      ['char', 'uuid', 'uuid'],
      ['binary', 'bytea', 'uuid'],
    ] as const)
      expect(reasonsFor(mysql, postgres, type, type === 'caseless')).toBe('');
  });

  test('faults 82 the user of a row is the same text as the user of a request', () => {
    const user = (type: 'integer' | 'uuid' | 'caseless', owner: string | null) =>
      userIn({ user: { ways: [{ column: 'owner' }], type } }, { owner });
    expect(user('uuid', '550e8400e29b41d4a716446655440000')).toBe('550e8400-e29b-41d4-a716-446655440000');
    expect(user('caseless', 'AL@shop.test')).toBe('al@shop.test');
    expect(user('integer', '7')).toBe('7');
    expect(user('integer', null)).toBeNull();
    expect(user('uuid', 'nobody')).toBeUndefined();
  });

  test('refuses types that would lose values: an unsigned bigint has no place in int8 (faults 70)', () => {
    expect(kindOf(column('n', 'bigint unsigned'), column('n', 'int8'))).toBeUndefined();
    expect(kindOf(column('n', 'double'), column('n', 'float4'))).toBeUndefined();
  });

  test('refuses char(n) beside a type that keeps spaces at the end, by name, with why and what to do (faults 88)', () => {
    const reasons: string[] = [];
    const left = shape([column('id', 'bigint'), column('owner', 'int'), column('code', 'varchar')]);
    const right = shape([column('id', 'int8'), column('owner', 'int4'), column('code', 'bpchar')]);
    expect(mapTable('things', declared, 'integer', left, right, reasons)).toBeUndefined();
    expect(reasons).toEqual([
      "things: column code is varchar in the monolith and bpchar in the service: char(n) of Postgres drops spaces at the end, which the monolith's type keeps; make code varchar or text there",
    ]);
    expect(kindOf(column('code', 'char'), column('code', 'bpchar'))).toEqual({ name: 'text', padded: true });
  });

  test('takes names for names, whatever they mean elsewhere (faults 22)', () => {
    const reasons: string[] = [];
    const left = shape([column('constructor', 'int'), column('owner', 'int')]);
    const right = shape([column('constructor', 'int4'), column('owner', 'int4')]);
    const table = mapTable('things', declared, 'integer', left, right, reasons)!;
    expect(reasons).toEqual([]);
    expect(toRow(table, 'monolith', { constructor: 7, owner: 1 })).toEqual({ constructor: '7', owner: '1' });
    const proto = (int: string) => shape([column('id', 'int'), column('owner', 'int'), column('__proto__', int)]);
    expect(mapTable('strangler_things', declared, 'integer', proto('int'), proto('int4'), reasons)).toBeUndefined();
    expect(reasons).toContainEqual(expect.stringContaining('strangler_things is named like a table of the toolkit'));
    expect(reasons).toContainEqual(expect.stringContaining('a column __proto__ cannot be carried'));
  });

  test('refuses to find rows by a text under which Postgres sees no difference where there is one (faults 87)', () => {
    const reasons: string[] = [];
    const left = shape([column('name', 'varchar'), column('owner', 'int'), column('note', 'text')]);
    const loose = (name: string) => ({ ...column(name, 'text'), loose: true });
    const right = shape([loose('name'), column('owner', 'int4'), loose('note')]);
    expect(mapTable('things', declared, 'integer', left, right, reasons)).toBeUndefined();
    expect(reasons).toEqual([
      expect.stringMatching(/^things: column name, by which rows are found, is varchar .* text .* deterministic/),
    ]);
  });

  test('what MySQL’s connector writes is read as what MySQL says: the year 0, and every double', () => {
    const left = shape([column('owner', 'int'), column('y', 'year'), column('j', 'json')]);
    const right = shape([column('owner', 'int4'), column('y', 'int4'), column('j', 'jsonb')]);
    const table = mapTable('things', declared, 'integer', left, right, [])!;
    const expanded =
      '[110000000000000004194304,0.00000000000005684341886080801486968994140625,18446744073709551615,0.1]';
    expect(toRow(table, 'monolith', { owner: 1, y: 1900, j: expanded })).toEqual({
      ...{ owner: '1', y: '0' },
      j: '[110000000000000000000000,0.00000000000005684341886080802,18446744073709551615,0.1]',
    });
    expect(toRow(table, 'monolith', { owner: 1n, y: 1900n, j: null })).toMatchObject({ y: '0' });
    expect(toRow(table, 'service', { owner: 1, y: 1900, j: '[110000000000000004194304]' })).toEqual({
      ...{ owner: '1', y: '1900', j: '[110000000000000004194304]' },
    });
    const decimal = '{"d":123456789012345678.123456789}';
    expect(toRow(table, 'monolith', { owner: 1, y: 1999, j: decimal }).j).toBe(decimal);
  });

  test('a captured image without a mapped column stops the stream: columns never shift (faults 65)', () => {
    const table = mapTable('things', declared, 'integer', shape(mysql), shape(postgres), [])!;
    expect(() => toRow(table, 'monolith', { id: 'AQ==', owner: 1 })).toThrow(/things\.price/);
  });

  test('a captured image with a column that is not mapped stops the stream, and says whose turn it is (faults 65)', () => {
    const table = mapTable('things', declared, 'integer', shape(mysql), shape(postgres), [])!;
    const image = { id: 'AQ==', owner: 1, price: '1', open: 1, made: null, extra: null, bytes: null, gift: 'new' };
    expect(() => toRow(table, 'monolith', image)).toThrow(
      "things.gift is new in the monolith's database. Add it to things of the service",
    );
  });

  test('what a database computes by itself is captured, and of no interest', () => {
    const computed = { ...shape(mysql), generated: ['total'] };
    const table = mapTable('things', declared, 'integer', computed, shape(postgres), [])!;
    const image = { id: 'AQ==', owner: 1, price: '1', open: 1, made: null, extra: null, bytes: null, total: 7 };
    expect(toRow(table, 'monolith', image)).not.toHaveProperty('total');
  });
});
