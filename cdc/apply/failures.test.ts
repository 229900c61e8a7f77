import { describe, expect, test } from '@jest/globals';
import type { MappedColumn } from '../mapping/mapping.ts';
import { UnstorableError } from '../mapping/mysql-values.ts';
import {
  adviceFor,
  failureOf,
  isRefusal,
  MYSQL_CLASSES,
  MYSQL_FAILURES,
  POSTGRES_FAILURES,
  TargetRefusesError,
} from './failures.ts';

const inPostgres = (code: string) => failureOf(Object.assign(new Error('no'), { code, severity: 'ERROR' }));
const inMysql = (errno: number, sqlState = 'HY000') =>
  failureOf(Object.assign(new Error('no'), { code: 'ER_SOMETHING', errno, sqlState }));

describe('what a failed statement means for a stream (faults 60, 61)', () => {
  test.each(Object.entries(POSTGRES_FAILURES))('Postgres %s: %s', (code, failure) => {
    expect(inPostgres(code.padEnd(5, code.length === 2 ? '9ZZ' : ''))).toBe(failure);
  });

  test.each(Object.entries(MYSQL_FAILURES))('MySQL %s: %s', (errno, failure) => {
    expect(inMysql(Number(errno))).toBe(failure);
    expect(failureOf({ errno: Number(errno) })).toBe(failure);
  });

  test.each(Object.entries(MYSQL_CLASSES))('MySQL SQLSTATE class %s: %s', (state, failure) => {
    expect(inMysql(60_000, `${state}999`)).toBe(failure);
  });

  test('the issue’s examples never pass by themselves', () => {
    for (const code of ['54000', 'P0001', '22001', '22P02', '23502', '23514']) expect(inPostgres(code)).toBe('row');
    for (const errno of [1644, 3988, 1118, 1153, 1406]) expect(inMysql(errno)).toBe('row');
  });

  test('JSON too deep, a character MySQL cannot convert, and a value that it would change are about the row', () => {
    expect(inMysql(3157, '22032')).toBe('row');
    expect(inMysql(3854)).toBe('row');
    const column = { monolith: { name: 'n' } } as unknown as MappedColumn;
    expect(failureOf(new UnstorableError(column, 'NaN is no number to MySQL'))).toBe('row');
  });

  test('a trigger’s SIGNAL is about the row, whatever number it names', () => {
    expect(inMysql(1205, '45000')).toBe('row');
    expect(inMysql(30_001, '45000')).toBe('row');
  });

  test('what nobody knows is unknown, and gets some tries: SQLSTATEs of a trigger’s own, internal errors, our own bugs', () => {
    for (const code of ['ZX001', 'XX000', 'U0001', '0A000']) expect(inPostgres(code)).toBe('unknown');
    expect(inMysql(1030)).toBe('unknown');
    expect(inMysql(65_000, 'ZZ999')).toBe('unknown');
    for (const error of [new TypeError('x'), new RangeError('x'), new SyntaxError('x')]) {
      expect(failureOf(error)).toBe('unknown');
      expect(isRefusal(error)).toBe(true);
    }
  });

  test('connections, systems and what our own code says pass, or are for whoever threw it', () => {
    const system = { ECONNREFUSED: -111, EPIPE: -32, ETIMEDOUT: -110 };
    for (const [code, errno] of Object.entries(system)) expect(failureOf({ code, errno })).toBe('passing');
    for (const code of ['EPIPE', 'ENOTFOUND', 'PROTOCOL_CONNECTION_LOST', 'NO_ANSWER']) {
      expect(failureOf({ code })).toBe('passing');
    }
    expect(failureOf(new Error('Connection terminated unexpectedly'))).toBe('passing');
    expect(isRefusal(new Error('x'))).toBe(false);
  });

  test('a target that refuses everything stops the stream', () => {
    expect(failureOf(new TargetRefusesError('10 rows in a row', new Error('why')))).toBe('stop');
  });

  test('says the next step where there is one', () => {
    const told = (code: string) => adviceFor(Object.assign(new Error('it failed'), { code }));
    expect(told('42P01')).toBe('it failed; run: strangler init');
    expect(told('42501')).toBe('it failed; strangler doctor names the GRANT');
    expect(told('55006')).toMatch(/another cdc process/);
    expect(told('22001')).toBe('it failed');
  });
});
