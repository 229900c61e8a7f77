import { describe, expect, test } from '@jest/globals';
import type { SourceTransaction } from './assemble.ts';
import { isOurs, SignsDisagreeError } from './ours.ts';
import type { RowChange } from './row-change.ts';

const row = (table: string, nativeSign: boolean): RowChange => ({
  kind: 'row',
  op: 'c',
  table,
  before: null,
  after: {},
  transaction: '1',
  order: 1,
  place: { dialect: 'postgres', lsn: 1n },
  nativeSign,
});
const of = (...rows: RowChange[]): SourceTransaction => ({ kind: 'transaction', id: '1', rows, position: 'lsn/1' });

describe('the two signs of being ours', () => {
  test('both: ours, and its rows of mapped tables are echoes (faults 68)', () => {
    expect(isOurs(of(row('strangler_checkpoint', true), row('orders', true)))).toBe(true);
  });

  test('neither: an application’s', () => {
    expect(isOurs(of(row('orders', false)))).toBe(false);
  });

  test('one without the other stops the stream and says what to look at', () => {
    expect(() => isOurs(of(row('strangler_checkpoint', false)))).toThrow(SignsDisagreeError);
    expect(() => isOurs(of(row('orders', true)))).toThrow(/not captured/);
  });

  test('Debezium’s own rows of the signal table carry no tag, and are nobody’s', () => {
    expect(isOurs(of(row('strangler_signal', false)))).toBe(true);
  });
});
