import { describe, expect, test } from '@jest/globals';
import type { OwnershipRow } from '@strangler/ledger';
import { type Direction, streamName } from '@strangler/plan';
import { OwnershipHistory } from '../../cdc/ownership-history.ts';
import { changesOf, prepareSteps } from '../../cdc/prepare.ts';
import type { Change, Correction, Step, Work } from '../../cdc/steps.ts';
import { applySteps, type Target } from '../../cdc/target-transaction.ts';
import { usersAsFarAsKnown } from '../../cdc/users.ts';
import { Working } from './database.ts';
import { CAPABILITY, GROUP, MAPPING, rowsOf, TABLE_RULES } from './shop.ts';
import type { Stored } from './statement.ts';

const items = MAPPING.get('items')!;
const item = (id: string, order_id: string) => ({ id, order_id, sku: '-' });
const born = (table: Change['table'], after: Change['after']): Change => ({ table, before: null, after });

/** One side's database and the stream into it. */
class Side {
  readonly working: Working;
  readonly target: Target;
  readonly #history: OwnershipHistory;
  #version = 0;

  constructor(direction: Direction, tables: Record<string, readonly Stored[]> = {}, ownership: OwnershipRow[] = []) {
    const stream = streamName(CAPABILITY, direction);
    const checkpoint = { stream, version: 0, position: null, kafka_offset: 0, tick: 0 };
    const database = { tables: { strangler_checkpoint: [checkpoint], ...tables }, first: 0, log: [] };
    this.working = new Working(direction === 'forward' ? 'postgres' : 'mysql', TABLE_RULES, database);
    this.#history = new OwnershipHistory(GROUP, direction === 'forward', ownership);
    const [session, rows] = [this.working.session(), rowsOf(this.working)];
    this.target = { stream, capability: CAPABILITY, session, rows, blocked: new Set(['somebody']) };
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
    const users = await usersAsFarAsKnown(steps.map(changesOf), this.target.rows);
    const prepared = prepareSteps(steps, users, this.#history);
    await applySteps(this.target, this.#version++, prepared, [], progress, carefully);
  }
}

const changes = (...all: Change[]): Work => ({ kind: 'changes', changes: all, position: 'p', transaction: 't' });
describe('a row whose parent exists nowhere, while somebody’s rows are kept back', () => {
  test.each([false, true])('is carried over like any other of a source that owns everybody', async (carefully) => {
    const service = new Side('forward');
    await service.apply([changes(born(items, item('2', '99')))], carefully);
    expect(service.rows('items')).toEqual([item('2', '99')]);
    expect(service.rows('strangler_quarantine')).toEqual([]);
    expect(service.corrections).toEqual([]); // which would have taken it away where it was written
  });
});
