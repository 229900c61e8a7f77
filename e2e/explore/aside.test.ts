import { describe, expect, test } from '@jest/globals';
import type { Session } from '@strangler/ledger';
import { BUCKETS, type Direction, streamName } from '@strangler/plan';
import { applyOwned } from '../../cdc/apply/apply-owned.ts';
import { applySteps } from '../../cdc/apply/apply-steps.ts';
import { usersAsFarAsKnown } from '../../cdc/apply/as-far-as-known.ts';
import { applyLarge } from '../../cdc/apply/large-transaction.ts';
import { OwnershipHistory } from '../../cdc/apply/ownership-history.ts';
import { changesOf, prepareSteps } from '../../cdc/apply/prepare.ts';
import type { Target } from '../../cdc/apply/target.ts';
import { namesIn, type Step, type Work } from '../../cdc/apply/work.ts';
import { decode, type RowChange } from '../../cdc/log/row-change.ts';
import { Spill } from '../../cdc/log/spill.ts';
import type { MappedTable, Row } from '../../cdc/mapping/mapping.ts';
import type { Change, Correction } from '../../cdc/rows/change.ts';
import type { RowStore } from '../../cdc/rows/row-store.ts';
import { Working } from './database.ts';
import { CAPABILITY, GROUP, MAPPING, rowsOf, TABLE_RULES } from './shop.ts';
import type { Stored } from './statement.ts';

const [orders, items] = [MAPPING.get('orders')!, MAPPING.get('items')!];
const order = (id: string, notes = '-') => ({ id, user_id: 'ada', purchase: id, notes });
const item = (id: string, order_id: string) => ({ id, order_id, sku: '-' });
const born = (table: Change['table'], after: Change['after']): Change => ({ table, before: null, after });

/** One side's database and the stream into it. It holds ids of up to nine digits, and as Postgres does, goes on after an error from a savepoint only. */
class Side {
  readonly working: Working;
  readonly target: Target;
  readonly history: OwnershipHistory;
  readonly #refuses: (row: Row) => boolean;
  #version = 0;
  #inside = false;
  #broken = false;

  /** `refuses`: rows that it does not take, as a constraint would have it. `given`: whether everybody is the other side's. */
  constructor(direction: Direction, refuses = (_: Row) => false, given = false) {
    const stream = streamName(CAPABILITY, direction);
    const checkpoint = { stream, version: 0, position: null, kafka_offset: 0, tick: 0 };
    const database = { tables: { strangler_checkpoint: [checkpoint] }, first: 0, log: [] };
    this.working = new Working(direction === 'forward' ? 'postgres' : 'mysql', TABLE_RULES, database);
    const gone = { epoch: 1, subject: { lo: 0, hi: BUCKETS }, owns: false, undecided: false, unproven: false };
    this.history = new OwnershipHistory(GROUP, direction === 'forward', given ? [gone] : []);
    this.#refuses = refuses;
    const rows = { ...rowsOf(this.working), store: (table: MappedTable) => this.#store(table) };
    this.target = {
      ...{ stream, capability: CAPABILITY, session: this.#session(), rows, history: this.history },
      blocked: { users: new Set(['somebody']), disputed: new Set() },
    };
  }

  #session(): Session {
    const session = this.working.session();
    return {
      ...session,
      query: (async (sql, values) => {
        if (/^ROLLBACK TO /.test(sql)) this.#broken = false;
        this.#goOn();
        return session.query(sql, values);
      }) as Session['query'],
      transaction: async (work) => {
        this.#inside = true;
        return session.transaction(work).finally(() => {
          this.#inside = false;
          this.#broken = false;
        });
      },
    };
  }

  #goOn(): void {
    if (this.#broken) throw Object.assign(new Error('current transaction is aborted'), { code: '25P02' });
  }

  #refuse(code: string): never {
    this.#broken = this.#inside;
    throw Object.assign(new Error('refused'), { code });
  }

  #store(table: MappedTable): RowStore {
    const store = rowsOf(this.working).store(table);
    const isTooLong = (row: Row) => Object.entries(row).some(([name, text]) => /id$/.test(name) && text!.length > 9);
    return {
      ...store,
      read: async (columns, like, hold) => {
        this.#goOn();
        return like.some(isTooLong) ? this.#refuse('22003') : store.read(columns, like, hold);
      },
      write: async (rows) => {
        this.#goOn();
        return rows.some(isTooLong) || rows.some(this.#refuses) ? this.#refuse('23514') : store.write(rows);
      },
    };
  }

  /** What was kept because it was refused, or behind that, oldest first. */
  get kept(): Change[] {
    const image = (text: Stored[string] | undefined) => JSON.parse(String(text ?? null)) as Row | null;
    const all = [...this.rows('strangler_quarantine')].sort((a, b) => Number(a.id) - Number(b.id));
    return all.map(({ table_name, before_image, after_image }) => ({
      ...{ table: MAPPING.get(String(table_name))!, before: image(before_image), after: image(after_image) },
    }));
  }

  rows(table: string): readonly Stored[] {
    return this.working.rows(table);
  }

  /** Every correction that has been written here. */
  get corrections(): Correction[] {
    const written = this.working.database.log.flatMap(({ rows }) => rows);
    return written.flatMap(({ table, after }) =>
      table === 'strangler_correction' ? [JSON.parse(String(after!.images)) as Correction] : [],
    );
  }

  async apply(works: readonly Work[], carefully = false): Promise<void> {
    const progress = { position: null, kafkaOffset: 1, tick: 1 };
    const steps: Step[] = works.map((work) => ({ work, progress }));
    const users = await usersAsFarAsKnown(steps.flatMap(changesOf), this.target.rows);
    const prepared = prepareSteps(steps, users, this.history);
    await applySteps(this.target, { version: this.#version, prepared, ownership: [], progress, carefully });
    this.#version++;
  }

  /** The same of rows that came as one transaction too large for memory. */
  async applyLarge(all: readonly Change[], carefully: boolean): Promise<void> {
    const reading = { capability: CAPABILITY, direction: 'forward', mapping: MAPPING } as const;
    const rows = new Spill();
    const heads = all.map(({ table, after }, at) => {
      const source = { connector: 'mysql', table: table.name, gtid: 's:1', file: 'f.1', pos: 4 };
      const transaction = { id: 't', total_order: at + 1 };
      const message = Buffer.from(JSON.stringify({ op: 'c', before: null, after, source, transaction }));
      const row = decode(message) as RowChange;
      rows.add(at + 1, message, namesIn(reading, row));
      return row;
    });
    const progress = { position: null, kafkaOffset: 1, tick: 1 };
    await applyLarge(
      this.target,
      { kind: 'large', id: 't', head: heads[0]!, rows, position: 'p' },
      { reading, history: this.history, version: this.#version, decided: [], progress, carefully, onReached: () => {} },
    ).finally(() => rows.close());
    this.#version++;
  }
}

const changes = (...all: Change[]): Work => ({ kind: 'changes', changes: all, position: 'p', transaction: 't' });
const correction = (user: string | null, ...roots: Correction['roots']): Work => ({
  ...{ kind: 'correction', position: 'p' },
  correction: { user, roots, late: [] },
});

describe('a row whose parent exists nowhere, while somebody’s rows are kept back', () => {
  test.each([false, true])('is carried over like any other of a source that owns everybody', async (carefully) => {
    const service = new Side('forward');
    await service.apply([changes(born(items, item('2', '99')))], carefully);
    expect(service.rows('items')).toEqual([item('2', '99')]);
    expect(service.rows('strangler_quarantine')).toEqual([]);
    expect(service.corrections).toEqual([]); // which would have taken it away where it was written
  });
});

describe('a row whose parent the target cannot even be asked for', () => {
  const odd = born(items, item('2', '3000000000'));
  const all = [born(orders, order('1')), born(items, item('1', '1')), odd];

  test.each([false, true])('is kept aside, alone, in a large transaction too', async (given) => {
    const service = new Side('forward', undefined, given);
    await expect(service.applyLarge(all, false)).rejects.toMatchObject({ code: given ? '22003' : '23514' }); // hence, once more:
    await service.applyLarge(all, true);
    expect(service.rows('orders')).toEqual([order('1')]);
    expect(service.rows('items')).toEqual([item('1', '1')]);
    expect(service.rows('strangler_quarantine')).toMatchObject([
      { cause: given ? 'rogue-write' : 'inapplicable', status: 'open', table_name: 'items', row_key: '2' },
    ]);
  });

  test('does not make a parent unknown that came together with it', async () => {
    const users = await usersAsFarAsKnown(all, new Side('forward').target.rows);
    expect(users).toEqual([['ada'], ['ada'], undefined]);
  });
});

describe('faults 86: what has no parent, in a transaction too large for memory', () => {
  const [replies, gone] = [MAPPING.get('replies')!, { id: '9', user_id: 'bob', order_id: '8', text: '-' }];
  const reply = { id: '5', user_id: 'bob', order_id: '2', text: '-' };
  const bobs = { ...order('2'), user_id: 'bob' };
  /** More than it takes at once. */
  const notes = 'x'.repeat(1_000_000);
  const between = ['3', '4', '6'].map((id) => born(orders, { ...order(id, notes), user_id: 'bob' }));

  test.each([false, true])(
    'what a row refers to may come long after it; what never comes leaves none',
    async (carefully) => {
      const service = new Side('forward');
      const ada = { lo: 0, hi: 0, user: 'ada' };
      service.history.record({ epoch: 1, subject: ada, owns: false, undecided: false, unproven: false });
      await service.applyLarge([born(replies, reply), born(replies, gone), ...between, born(orders, bobs)], carefully);
      expect(service.rows('replies')).toEqual([reply]);
      expect(service.rows('strangler_quarantine')).toMatchObject([
        { cause: 'orphaned', table_name: 'replies', row_key: '9' },
      ]);
      expect(service.corrections).toMatchObject([{ user: 'bob', roots: [{ table: 'replies', row: null }] }]);
    },
  );

  test('stays while a lost piece of the log is copied again, which may bring it', async () => {
    const service = new Side('forward');
    const ada = { lo: 0, hi: 0, user: 'ada' };
    service.history.record({ epoch: 1, subject: ada, owns: false, undecided: false, unproven: false });
    const [checkpoint] = service.rows('strangler_checkpoint');
    await service.working.transaction(true, async () => {
      service.working.change('strangler_checkpoint', checkpoint!, { ...checkpoint!, lost_at: 'now' });
    });
    await service.applyLarge([born(replies, gone)], false);
    expect([service.rows('replies'), service.rows('strangler_quarantine')]).toEqual([[gone], []]);
  });
});

describe('a correction for a user whose earlier rows were kept back', () => {
  const A = order('1', 'A');
  const B = order('1', 'B');
  const below = (...ids: string[]) => ids.map((id) => ({ table: 'items', row: item(id, '1') }));
  const image = (row: Row | null, ...ids: string[]) => ({
    table: 'orders',
    key: { id: '1' },
    row,
    children: below(...ids),
  });

  test.each([
    ['with what it has below', image(B, '1', '3'), [B], ['1', '3']],
    ['with nothing', image(null), [], []],
  ])('waits behind them, so that trying those again ends %s', async (_, root, order, items_) => {
    for (const carefully of [false, true]) {
      const service = new Side('forward', ({ notes }) => notes === 'A');
      await service.apply([changes(born(orders, A), born(items, item('1', '1')), born(items, item('2', '1')))], true);
      expect(service.kept).toHaveLength(3);
      await service.apply([correction('ada', root)], carefully);
      expect([service.rows('orders'), service.rows('items')]).toEqual([[], []]);
      // The operator makes room, and tries again: in the order in which it came.
      await service.working.transaction(true, () => applyOwned(rowsOf(service.working), service.kept));
      expect(service.rows('orders')).toEqual(order);
      expect(service.rows('items').map(({ id }) => id)).toEqual(items_);
    }
  });

  test('and so do those of the same transaction, but nobody else’s', async () => {
    const service = new Side('forward', ({ notes }) => notes === 'A');
    const bobs = { id: '2', user_id: 'bob', purchase: '2', notes: 'B' };
    const bob = correction('bob', { table: 'orders', key: { id: '2' }, row: bobs, children: [] });
    await service.apply([changes(born(orders, A)), correction('ada', image(B)), bob], true);
    expect(service.rows('orders')).toEqual([bobs]);
    expect(service.kept.map(({ after }) => after)).toEqual([A, B]);
  });
});
