import { describe, expect, test } from '@jest/globals';
import type { MappedTable, Row } from '../mapping/mapping.ts';
import { dispose, disposeAggregate, type Late } from './disposition.ts';

const column = (name: string) => ({
  name,
  kind: { name: 'text' as const },
  monolith: { name, type: 'varchar', cast: '', digits: 0, nullable: true },
  service: { name, type: 'varchar', cast: 'varchar', digits: 0, nullable: true },
});
const orders: MappedTable = {
  name: 'orders',
  tables: { monolith: 'orders', service: 'orders' },
  columns: ['id', 'key', 'status', 'updated_at'].map(column),
  key: ['id'],
  user: { ways: [{ column: 'id' }], type: 'text' },
  sameWhen: ['key'],
  touched: ['updated_at'],
  otherWriters: { columns: new Set(), inserts: false, deletes: false },
  distinct: [],
  known: { monolith: new Set(), service: new Set() },
};
const order = (id: string, status = 'placed', updated_at = '1'): Row => ({ id, key: 'k', status, updated_at });
const late = (fields: Partial<Late>): Late => ({ before: null, after: null, current: null, rivals: [], ...fields });

describe('what becomes of a late change', () => {
  test('an insert of something new is applied', () => {
    expect(dispose(orders, late({ after: order('1') }))).toBe('apply');
  });

  test('an insert of what the owner has under another key is superseded', () => {
    expect(dispose(orders, late({ after: order('1'), rivals: [order('2')] }))).toBe('superseded');
  });

  test('an insert where the owner has a different row with the same key is open (faults 69)', () => {
    expect(dispose(orders, late({ after: order('1'), current: order('1', 'cancelled') }))).toBe('open');
  });

  test('an update of the row the owner has is applied: it serialises after the owner’s writes', () => {
    const change = { before: order('1'), after: order('1', 'cancelled', '2') };
    expect(dispose(orders, late({ ...change, current: order('1') }))).toBe('apply');
  });

  test('an update the owner has made itself, but for when, is superseded', () => {
    const change = { before: order('1'), after: order('1', 'cancelled', '2') };
    expect(dispose(orders, late({ ...change, current: order('1', 'cancelled', '9') }))).toBe('superseded');
  });

  test('an update of a row the owner has changed or removed is open', () => {
    const change = { before: order('1'), after: order('1', 'cancelled') };
    expect(dispose(orders, late({ ...change, current: order('1', 'shipped') }))).toBe('open');
    expect(dispose(orders, late({ ...change, current: null }))).toBe('open');
  });

  test('a delete is applied, superseded or open by the same measure', () => {
    expect(dispose(orders, late({ before: order('1'), current: order('1') }))).toBe('apply');
    expect(dispose(orders, late({ before: order('1'), current: null }))).toBe('superseded');
    expect(dispose(orders, late({ before: order('1'), current: order('1', 'shipped') }))).toBe('open');
  });

  test('one superseded insert supersedes its whole aggregate, one open row opens it', () => {
    const twice = late({ after: order('1'), rivals: [order('2')] });
    const fresh = late({ after: order('3') });
    const clash = late({ after: order('4'), current: order('4', 'shipped') });
    expect(disposeAggregate([orders, orders], [twice, fresh])).toEqual(['superseded', 'superseded']);
    expect(disposeAggregate([orders, orders, orders], [twice, fresh, clash])).toEqual(['open', 'open', 'open']);
  });
});
