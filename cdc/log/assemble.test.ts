import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Assembler, AssemblyError, type Unit } from './assemble.ts';
import { ForeignLogError } from './position.ts';
import type { LogPlace, RowChange, SourceEvent } from './row-change.ts';

const row = (transaction: string | null, order: number, place: LogPlace, op: RowChange['op'] = 'c'): RowChange => ({
  kind: 'row',
  op,
  table: 'orders',
  before: null,
  after: { id: order },
  transaction,
  order,
  place,
  nativeSign: false,
});
const mysql = (pos: number, server = 'uuid'): LogPlace => ({
  dialect: 'mysql',
  server,
  file: 'binlog.000002',
  pos: BigInt(pos),
});

/** The events of MySQL transaction number `at`, with `size` rows. */
const whole = (at: number, size: number): SourceEvent[] => [
  { kind: 'begin', transaction: `uuid:${at}` },
  ...Array.from({ length: size }, (_, n) => row(`uuid:${at}`, n + 1, mysql(at * 1_000 + n))),
  { kind: 'end', transaction: `uuid:${at}`, count: size, lsn: null },
];

function assemble(events: readonly SourceEvent[], assembler = new Assembler(null, 0n)): Unit[] {
  return events.flatMap((event, offset) => assembler.push(event, BigInt(offset)) ?? []);
}
const summary = (units: readonly Unit[]) =>
  units.map((unit) => (unit.kind === 'transaction' ? [unit.id, unit.rows.map(({ order }) => order)] : unit.kind));

describe('assembling source transactions', () => {
  const [begin, first, second, end] = whole(1, 2) as [SourceEvent, SourceEvent, SourceEvent, SourceEvent];
  const next = whole(2, 1);
  const shapes: Record<string, SourceEvent[]> = {
    'as it was written': [begin, first, second, end],
    'whole, twice': [begin, first, second, end, begin, first, second, end],
    'begun again at once': [begin, begin, first, second, end],
    'interrupted and begun again': [begin, first, begin, first, second, end],
    'whole, then again without a begin': [begin, first, second, end, first, second, end, first, second, end],
    'whole, then in part without a begin': [begin, first, second, end, second, end],
    'whole, then cut short': [begin, first, second, end, begin, first],
  };
  test.each(Object.entries(shapes))('gives each transaction once when it comes %s (faults 58)', (_, events) => {
    expect(summary(assemble([...events, ...next]))).toEqual([
      ['uuid:1', [1, 2]],
      ['uuid:2', [1]],
    ]);
  });

  test('gives the same transactions however often a crash of Connect repeats a stretch of the log', () => {
    const log = [whole(1, 3), whole(2, 1), whole(3, 5), whole(4, 2)].flat();
    const crash = fc.record({ at: fc.nat(log.length - 1), back: fc.nat(8), withoutBegin: fc.boolean() });
    fc.assert(
      fc.property(fc.array(crash, { maxLength: 4 }), (crashes) => {
        const events: SourceEvent[] = [];
        let at = 0;
        for (const { at: stop, back, withoutBegin } of crashes.sort((a, b) => a.at - b.at)) {
          events.push(...log.slice(at, stop));
          at = Math.max(0, stop - back);
          const again = log[at]!;
          if (withoutBegin && again.kind === 'begin') at++;
        }
        events.push(...log.slice(at));
        expect(summary(assemble(events))).toEqual(summary(assemble(log)));
      }),
    );
  });

  test('begins again at the first record of the oldest transaction not given out', () => {
    const assembler = new Assembler(null, 10n);
    expect(assembler.resumeFrom).toBe(10n);
    assembler.push(begin, 10n);
    assembler.push(first, 11n);
    expect(assembler.resumeFrom).toBe(10n);
    assembler.push(second, 12n);
    assembler.push(end, 13n);
    expect(assembler.resumeFrom).toBe(14n);
  });

  test('drops what stands before the checkpoint', () => {
    expect(assemble([...whole(1, 2), ...next], new Assembler('uuid/binlog.000002/1999', 0n))).toHaveLength(1);
  });

  test('takes an END alone for a repeat when it was restarted together with Connect (faults 63)', () => {
    const restarted = () => new Assembler('uuid/binlog.000002/2000', 0n); // transaction 2 was the last one applied
    const ends = [whole(1, 2).at(-1)!, next.at(-1)!];
    expect(summary(assemble([ends[1]!, ...whole(3, 1)], restarted()))).toEqual([['uuid:3', [1]]]);
    expect(summary(assemble([ends[0]!, ...next, ...whole(3, 1)], restarted()))).toEqual([['uuid:3', [1]]]);
    const many = Array.from({ length: 1_200 }, (_, at) => whole(at + 1, 1));
    const again = [many[0]!.at(-1)!, ...many.slice(1).flat()];
    expect(assemble([...many.flat(), ...again, ...whole(1_201, 1)])).toHaveLength(1_201);
  });

  test('stops at an END alone that is followed by something new', () => {
    const lost = whole(3, 1).at(-1)!;
    expect(() => assemble([...next, lost, ...whole(4, 1)])).toThrow(/uuid:3 came without its 1 rows/);
  });

  test('gives rows of a backfill at once, also between the rows of a transaction, and never drops one', () => {
    const read = row(null, 0, mysql(1), 'r');
    const late = new Assembler('uuid/binlog.000009/9', 0n);
    expect(summary(assemble([read], late))).toEqual(['read']);
    expect(summary(assemble([begin, first, read, second, end]))).toEqual(['read', ['uuid:1', [1, 2]]]);
  });

  test('stops when a transaction is not whole, has no rows, or has no beginning in any transaction', () => {
    expect(() => assemble([begin, second, end])).toThrow(AssemblyError);
    expect(() => assemble([begin, end])).toThrow(AssemblyError);
    expect(() => assemble([row(null, 0, mysql(1))])).toThrow(AssemblyError);
    expect(() => assemble([begin, first, ...next])).not.toThrow(AssemblyError); // at 1000, before 2000: a repeat
    expect(() => assemble([...whole(3, 1).slice(0, 2), ...next])).toThrow(/never completed/);
  });

  test('stops at the log of another server', () => {
    const foreign: SourceEvent[] = [
      row('other:7', 1, mysql(9_000, 'other')),
      { kind: 'end', transaction: 'other:7', count: 1, lsn: null },
    ];
    expect(() => assemble([...next, ...foreign])).toThrow(ForeignLogError);
  });

  test('orders Postgres transactions by the position in their END', () => {
    const at = (lsn: bigint): LogPlace => ({ dialect: 'postgres', lsn });
    const events: SourceEvent[] = [
      { kind: 'begin', transaction: '700' },
      row('700', 1, at(90n)),
      { kind: 'end', transaction: '700', count: 1, lsn: 100n },
      row('700', 1, at(90n)),
      { kind: 'end', transaction: '700', count: 1, lsn: 100n },
      { kind: 'begin', transaction: '699' },
      row('699', 1, at(80n)),
      { kind: 'end', transaction: '699', count: 1, lsn: 101n },
    ];
    expect(summary(assemble(events))).toEqual([
      ['700', [1]],
      ['699', [1]],
    ]);
  });

  test('a stream that joins in the middle of a transaction begins with the next one, and only once', () => {
    const joined = new Assembler(null, 500n);
    expect(summary(assemble([second, end, ...next], joined))).toEqual([['uuid:2', [1]]]);
    const [, , late, lateEnd] = whole(3, 2) as [SourceEvent, SourceEvent, SourceEvent, SourceEvent];
    expect(() => assemble([late, lateEnd], joined)).toThrow(AssemblyError);
  });

  test('a stream that joins just before a crash of Connect takes the repeats, and then what was cut short', () => {
    const cutShort = whole(5, 2).slice(0, 2);
    const repeats = [...whole(3, 1), ...whole(4, 1)];
    const joined = new Assembler(null, 500n);
    expect(summary(assemble([...cutShort, ...repeats, ...whole(5, 2), ...whole(6, 1)], joined))).toEqual([
      ['uuid:3', [1]],
      ['uuid:4', [1]],
      ['uuid:5', [1, 2]],
      ['uuid:6', [1]],
    ]);
    expect(() => assemble([...whole(8, 1).slice(0, 2), ...whole(7, 1)], joined)).toThrow(/never completed/);
  });
});
