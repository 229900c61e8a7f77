import { describe, expect, test } from '@jest/globals';
import type { IHeaders } from 'kafkajs';
import { decode, PLACEHOLDER_HEADER, type RowChange, UndecodableError } from './row-change.ts';

const source = {
  connector: 'mysql',
  table: 'orders',
  gtid: '5f1:strangler:7',
  file: 'binlog.000001',
  pos: 812,
  ts_ns: 1700000000123456789n,
};
const json = (value: unknown): Buffer =>
  Buffer.from(
    JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)).replace(/"(\d+)n"/g, '$1'),
  );
const envelope = (fields: object) =>
  json({
    before: null,
    after: { id: 1 },
    source,
    transaction: { id: '5f1:strangler:7', total_order: 2 },
    op: 'c',
    ...fields,
  });

describe('decoding a captured message', () => {
  test('reads a row with its transaction, number, place and native sign', () => {
    expect(decode(envelope({}))).toEqual({
      kind: 'row',
      op: 'c',
      table: 'orders',
      before: null,
      after: { id: 1 },
      transaction: '5f1:strangler:7',
      order: 2,
      place: { dialect: 'mysql', server: '5f1', file: 'binlog.000001', pos: 812n },
      nativeSign: true,
    });
    expect(decode(envelope({ source: { ...source, gtid: '5f1:8' } }))).toMatchObject({ nativeSign: false });
  });

  test('groups Postgres rows by their txid, and knows our origins', () => {
    const postgres = { connector: 'postgresql', table: 'orders', lsn: 4711, origin: 'strangler_shop_control' };
    const row = decode(envelope({ source: postgres, transaction: { id: '733:4709', total_order: 1 } }));
    expect(row).toMatchObject({ transaction: '733', place: { lsn: 4711n }, nativeSign: true });
  });

  test('reads BEGIN and END of both', () => {
    expect(decode(json({ status: 'BEGIN', id: '733:4700' }))).toEqual({ kind: 'begin', transaction: '733' });
    expect(decode(json({ status: 'END', id: '733:4712', event_count: 3 }))).toEqual({
      kind: 'end',
      transaction: '733',
      count: 3,
      lsn: 4712n,
    });
    expect(decode(json({ status: 'END', id: '5f1:9', event_count: 1 }))).toMatchObject({
      transaction: '5f1:9',
      lsn: null,
    });
  });

  test('keeps every digit of numbers beyond 2^53 (faults 70)', () => {
    const row = decode(envelope({ after: { id: 9007199254740993n, small: 5, half: 0.5 } }));
    expect(row).toMatchObject({ after: { id: 9007199254740993n, half: 0.5 } });
    const long = {
      id: 18446744073709551615n,
      body: '0123456789'.repeat(10_000),
      half: 0.5,
      none: null,
      list: [1n, '1'],
    };
    expect(decode(envelope({ after: long }))).toMatchObject({ after: long });
  });

  test('takes heartbeats, tombstones and other notes for what they are: nothing', () => {
    for (const value of [null, json({ ts_ms: 1 }), json({ aggregate_type: 'Initial Snapshot', type: 'COMPLETED' })]) {
      expect(decode(value)).toEqual({ kind: 'other' });
    }
  });

  test('hears the end of a table’s copy', () => {
    const note = { aggregate_type: 'Incremental Snapshot', type: 'TABLE_SCAN_COMPLETED' };
    expect(decode(json({ ...note, additional_data: { scanned_collection: 'shop.orders' } }))).toEqual({
      kind: 'copied',
      table: 'orders',
    });
  });

  test('refuses what cannot be read (faults 60)', () => {
    for (const value of ['{"before":', '[', '7', envelope({ op: 'x' }), envelope({ after: null })]) {
      expect(() => decode(value as string)).toThrow(UndecodableError);
    }
  });

  describe('what stands for a value that was not in the log (faults 89)', () => {
    const postgres = { connector: 'postgresql', table: 'orders', lsn: 4711 };
    const at = (fields: object, headers?: object) =>
      decode(envelope({ source: postgres, ...fields }), headers as IHeaders | undefined) as RowChange;

    test('is said by the header of each message, so that it may change', () => {
      expect(at({}, { [PLACEHOLDER_HEADER]: Buffer.from('secret-1') }).placeholder).toBe('secret-1');
      expect(at({}, { [PLACEHOLDER_HEADER]: Buffer.from('secret-2') }).placeholder).toBe('secret-2');
    });

    test('is Debezium’s own text in messages from before, where an UPDATE may have left a value out', () => {
      const before = { id: 1 };
      expect(at({ op: 'u', before }, {}).placeholder).toBe('__debezium_unavailable_value');
      expect(at({ op: 'c' }, { '__debezium.oldkey': Buffer.from('{}') }).placeholder).toBe(
        '__debezium_unavailable_value',
      );
      expect(at({ op: 'c' }, {}).placeholder).toBeUndefined();
    });

    test('is nothing in a row of MySQL, whatever a customer writes', () => {
      const note = '__debezium_unavailable_value';
      const row = decode(envelope({ op: 'u', before: { id: 1 }, after: { id: 1, note } }), {}) as RowChange;
      expect(row).toMatchObject({ after: { note } });
      expect(row.placeholder).toBeUndefined();
    });
  });
});
