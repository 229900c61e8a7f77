import { Assembler } from '../../cdc/log/assemble.ts';
import type { LogPlace, RowChange, SourceEvent } from '../../cdc/log/row-change.ts';

export type Dialect = LogPlace['dialect'];

/** Rows of each transaction of the source, in commit order. */
export const SIZES = [2, 1, 1] as const;

type Written = { readonly at: number; readonly event: SourceEvent };

/** What Connect writes when nothing goes wrong: BEGIN, rows, END of each transaction. */
function written(dialect: Dialect): Written[] {
  return SIZES.flatMap((size, at): Written[] => {
    const transaction = String(at + 1);
    const place = (n: number): LogPlace =>
      dialect === 'mysql'
        ? { dialect, server: 'uuid', file: 'binlog.000001', pos: BigInt(at * 100 + n) }
        : { dialect, lsn: BigInt(at * 100 + n) };
    const row = (n: number): RowChange => ({
      ...{ kind: 'row', op: 'c', table: 'orders', before: null, after: { id: n }, transaction, order: n },
      ...{ place: place(n), nativeSign: false },
    });
    const lsn = dialect === 'postgres' ? BigInt(at * 100 + 50) : null;
    const events: SourceEvent[] = [
      { kind: 'begin', transaction },
      ...Array.from({ length: size }, (_, n) => row(n + 1)),
      { kind: 'end', transaction, count: size, lsn },
    ];
    return events.map((event) => ({ at, event }));
  });
}

/**
 * Every topic that Connect leaves behind when it is killed up to `kills` times, anywhere. It begins again at a
 * transaction's BEGIN or, for one that was whole already, anywhere within it (platform: shapes after a crash).
 */
export function* topics(dialect: Dialect, kills: number): Generator<readonly SourceEvent[]> {
  const all = written(dialect);
  function* from(cursor: number, topic: readonly SourceEvent[], left: number): Generator<readonly SourceEvent[]> {
    yield [...topic, ...all.slice(cursor).map(({ event }) => event)];
    if (left === 0) return;
    for (let killed = cursor + 1; killed <= all.length; killed++) {
      const before = [...topic, ...all.slice(cursor, killed).map(({ event }) => event)];
      for (let again = 0; again < killed; again++) {
        const { at, event } = all[again]!;
        const wasWhole = all.findIndex((one) => one.at === at && one.event.kind === 'end') < killed;
        if (event.kind === 'begin' || wasWhole) yield* from(again, before, left - 1);
      }
    }
  }
  yield* from(0, [], kills);
}

/** What a stream that is killed after so many messages each time has applied in the end; throws what stops it. */
export function applied(topic: readonly SourceEvent[], kills: readonly number[]): string[] {
  const done: string[] = [];
  let checkpoint: { readonly position: string | null; readonly offset: number } = { position: null, offset: 0 };
  for (const reads of [...kills, Number.POSITIVE_INFINITY]) {
    const assembler = new Assembler(checkpoint.position, BigInt(checkpoint.offset));
    const end = Math.min(topic.length, checkpoint.offset + reads);
    for (let at = checkpoint.offset; at < end; at++) {
      const unit = assembler.push(topic[at]!, BigInt(at));
      if (unit?.kind !== 'transaction') continue;
      done.push(`${unit.id}: ${unit.rows.map(({ order }) => order).join(' ')}`);
      checkpoint = { position: assembler.position, offset: Number(assembler.resumeFrom) };
    }
  }
  return done;
}
