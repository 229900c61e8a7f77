import { describe, expect, test } from '@jest/globals';
import { tableOf } from '../../plan/testing/table.ts';
import { decode, PLACEHOLDER_HEADER, type RowChange, UndecodableError } from '../log/row-change.ts';
import type { Column, TableShape } from '../mapping/columns.ts';
import { mapTable } from '../mapping/mapping.ts';
import { namesIn, type SourceContext, workOf } from './work.ts';

const column = (name: string, type: string): Column => ({ name, type, cast: type, digits: 6, nullable: false });
const shape = (columns: readonly Column[]): TableShape => ({
  table: 'notes',
  columns,
  generated: [],
  primaryKey: ['id'],
});
const monolith = shape([
  column('id', 'bigint'),
  column('owner', 'int'),
  column('body', 'text'),
  column('sort', 'enum'),
]);
const service = shape([column('id', 'int8'), column('owner', 'int4'), column('body', 'text'), column('sort', 'enum')]);
const table = mapTable('notes', tableOf({ user: 'owner' }), 'integer', monolith, service, [])!;
const reading: SourceContext = { capability: 'notes', direction: 'reverse', mapping: new Map([['notes', table]]) };

const PLACEHOLDER = 'strangler-unavailable-1';
const DEBEZIUMS = '__debezium_unavailable_value';
const HEADERS = { [PLACEHOLDER_HEADER]: PLACEHOLDER };
const source = { connector: 'postgresql', table: 'notes', lsn: 4711 };
const row = (fields: object, headers: Record<string, string> = HEADERS) =>
  decode(
    JSON.stringify({ op: 'u', before: null, source, transaction: { id: '7:1', total_order: 1 }, ...fields }),
    headers,
  ) as RowChange;
const work = (...rows: RowChange[]) => workOf(reading, { kind: 'transaction', id: '7', rows, position: '1' });
const after = (body: string, sort = 'a') => ({ id: 1, owner: 7, body, sort });

describe('a value that was not in the log (faults 89)', () => {
  test('stops the stream, by name and with what to do', () => {
    expect(() => work(row({ after: after(PLACEHOLDER) }))).toThrow(UndecodableError);
    expect(() => work(row({ after: after(PLACEHOLDER) }))).toThrow(
      /^notes\.body is missing from the log; run: ALTER TABLE "notes" REPLICA IDENTITY FULL\. .*strangler recopy/,
    );
    expect(() => work(row({ after: after(DEBEZIUMS) }, {}))).toThrow(/notes\.body is missing/);
  });

  test('in a large transaction it is looked for when the row is put aside: the file keeps no headers', () => {
    expect(() => namesIn(reading, row({ after: after(PLACEHOLDER) }))).toThrow(/notes\.body is missing/);
    expect(namesIn(reading, row({ after: after(DEBEZIUMS) }))).toEqual([]);
  });

  test.each<[string, RowChange]>([
    ['Debezium’s own text, where the connector writes another one', row({ after: after(DEBEZIUMS) })],
    ['an inserted text, which is always in the log', row({ op: 'c', after: after(DEBEZIUMS) }, {})],
    ['a text that the former row has, too', row({ before: after(DEBEZIUMS), after: after(DEBEZIUMS) }, {})],
    ['a text put in the place of another one', row({ before: after('x'), after: after(DEBEZIUMS) }, {})],
    ['a value of a type that always is in its row', row({ after: after('x', PLACEHOLDER) })],
    ['a text that only begins like it', row({ after: after(`${PLACEHOLDER}2`) })],
    ['a row of MySQL', row({ after: after(DEBEZIUMS), source: { ...source, connector: 'mysql', gtid: 'u:1' } }, {})],
    ['a row that was deleted', row({ op: 'd', before: after(DEBEZIUMS), after: null }, {})],
  ])('is not %s', (_, given) => {
    expect(work(given)).toMatchObject([{ kind: 'changes', changes: [{ table: { name: 'notes' } }] }]);
  });

  test('is nobody’s concern in a table that is not ours, nor in what we wrote ourselves', () => {
    expect(work(row({ after: after(PLACEHOLDER), source: { ...source, table: 'others' } }))).toEqual([]);
    const ours = { ...source, origin: 'strangler_shop_applier-notes' };
    const checkpoint = row({ after: { stream: 'notes:forward' }, source: { ...ours, table: 'strangler_checkpoint' } });
    expect(work(checkpoint, row({ after: after(PLACEHOLDER), source: ours }))).toEqual([]);
  });
});
