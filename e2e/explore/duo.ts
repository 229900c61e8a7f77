import { type Direction, type Side, sourceOf, streamName } from '@strangler/plan';
import type { z } from 'zod';
import { applySteps } from '../../cdc/apply/apply-steps.ts';
import { isAnythingBlocked, readBlocked } from '../../cdc/apply/blocked.ts';
import { failureOf } from '../../cdc/apply/failures.ts';
import { OwnershipHistory } from '../../cdc/apply/ownership-history.ts';
import { changesOf, prepareSteps, prepareUnasked, withUsers } from '../../cdc/apply/prepare.ts';
import { type Step, workOf } from '../../cdc/apply/work.ts';
import type { RowChange } from '../../cdc/log/row-change.ts';
import { type CrossReference, crossReferencesOf } from '../../cdc/mapping/cross-references.ts';
import type { ForeignKey } from '../../cdc/mapping/foreign-keys.ts';
import { type MappedTable, type Mapping, mapTable } from '../../cdc/mapping/mapping.ts';
import type { Correction } from '../../cdc/rows/change.ts';
import { usersOf } from '../../cdc/rows/users.ts';
import type { table } from '../../plan/capability-schema.ts';
import { tableOf } from '../../plan/testing/table.ts';
import { type LogEntry, Working } from './database.ts';
import { CAPABILITY, GROUP, rowsOf } from './shop.ts';
import type { Stored } from './statement.ts';

/** A table as the Plan declares it, with its columns; one called user_id may be NULL, and so may `nullable`. */
export function mapped(
  name: string,
  columns: readonly string[],
  declared: z.input<typeof table>,
  nullable: readonly string[] = [],
): MappedTable {
  const reasons: string[] = [];
  const column = (one: string) => ({
    ...{ name: one, type: 'varchar', cast: 'varchar', digits: 0 },
    nullable: one === 'user_id' || nullable.includes(one),
  });
  const mysql = { table: name, columns: columns.map(column), generated: [], primaryKey: ['id'] };
  const postgres = { ...mysql, columns: mysql.columns.map((one) => ({ ...one, type: 'text' })) };
  const result = mapTable(name, tableOf(declared), 'text', mysql, postgres, reasons);
  if (!result) throw new Error(reasons.join('; '));
  return result;
}

/** What an application writes in one transaction: rows by their key, as they were and as they are. */
type Put = (table: string, id: string, after: Stored | null) => void;

/**
 * Two databases and the two streams between them, with the rules as they are: no handoffs, no crashes, but any table, several
 * changes in one transaction, and several transactions at once. For stories the explorer has no words for.
 */
export class Duo {
  readonly #mapping: Mapping;
  readonly #crossReferences: readonly CrossReference[];
  readonly #sides: Readonly<Record<Side, Working>>;
  readonly #histories: Readonly<Record<Direction, OwnershipHistory>>;
  readonly #read = { forward: 0, reverse: 0 };
  readonly #version = { forward: 0, reverse: 0 };

  /** `services`: the users who live on the service, or everybody. `foreignKeys`: what both databases have between these tables. */
  constructor(
    tables: readonly MappedTable[],
    stocked: Record<string, Stored[]>,
    services: 'everybody' | string[],
    foreignKeys: readonly Omit<ForeignKey, 'side' | 'name'>[] = [],
  ) {
    const onBoth = foreignKeys.flatMap((key) =>
      (['monolith', 'service'] as const).map((side) => ({ ...key, side, name: key.child })),
    );
    this.#crossReferences = crossReferencesOf(tables, onBoth);
    this.#mapping = new Map(tables.map((one) => [one.name, one]));
    const rules = Object.fromEntries(tables.map(({ name, key }) => [name, { key: [...key] }]));
    const open = (direction: Direction) => {
      const checkpoint = {
        stream: streamName(CAPABILITY, direction),
        ...{ version: 0, position: null, kafka_offset: 0, tick: 0 },
      };
      return { tables: { ...stocked, strangler_checkpoint: [checkpoint] }, first: 0, log: [] };
    };
    this.#sides = {
      monolith: new Working('mysql', rules, open('reverse')),
      service: new Working('postgres', rules, open('forward')),
    };
    const moved = services === 'everybody' ? [{ lo: 0, hi: 10_000 }] : services.map((user) => ({ lo: 0, hi: 0, user }));
    const owning = (owns: boolean) =>
      moved.map((subject, at) => ({ epoch: at + 1, subject, owns, undecided: false, unproven: false }));
    this.#histories = {
      forward: new OwnershipHistory(GROUP, true, owning(false)),
      reverse: new OwnershipHistory(GROUP, false, owning(true)),
    };
  }

  rows = (side: Side, name: string): readonly Stored[] => this.#sides[side].rows(name);

  /** The corrections in a side’s log. */
  corrections = (side: Side): readonly Correction[] =>
    this.#sides[side].database.log
      .flatMap(({ rows }) => rows)
      .flatMap(({ table, after }) =>
        table === 'strangler_correction' && after ? [JSON.parse(String(after.images))] : [],
      );

  /** What is kept on either side, in a few words; of what was overwritten the explorer knows only that it is kept. */
  kept(): string[] {
    return (['monolith', 'service'] as const).flatMap((side) =>
      this.rows(side, 'strangler_quarantine').map((row) =>
        [`${side}:`, row.status, row.cause, row.aggregate].join(' ').trim(),
      ),
    );
  }

  /** One transaction of an application. */
  async writes(side: Side, does: (put: Put) => void): Promise<void> {
    const working = this.#sides[side];
    const put: Put = (name, id, after) => {
      const before = working.rows(name).find((row) => row.id === id) ?? null;
      working.change(name, before, after && { ...before, id, ...after });
    };
    await working.transaction(false, async () => does(put));
  }

  /** Runs both streams until both logs are read, `atOnce` entries in a transaction. Throws if they do not come to rest. */
  async settle(atOnce = 1): Promise<void> {
    for (let turn = 0; turn < 60; turn++) {
      const forward = await this.turn('forward', atOnce);
      const reverse = await this.turn('reverse', atOnce);
      if (!forward && !reverse) return;
    }
    throw new Error('the streams do not come to rest');
  }

  /** One target transaction of a stream, of `atOnce` entries of its log; false if there is nothing to read. */
  async turn(direction: Direction, atOnce: number): Promise<boolean> {
    const [source, target] =
      direction === 'forward' ? (['monolith', 'service'] as const) : (['service', 'monolith'] as const);
    const entries = this.#sides[source].database.log.slice(this.#read[direction], this.#read[direction] + atOnce);
    if (!entries.length) return false;
    this.#read[direction] += entries.length;
    const progress = { position: null, kafkaOffset: this.#read[direction], tick: 0 };
    const steps = entries.flatMap((entry) => this.#worksOf(direction, entry).map((work): Step => ({ work, progress })));
    if (!steps.length) return true;
    const working = this.#sides[target];
    const [session, stream] = [working.session(), streamName(CAPABILITY, direction)];
    const rows = { ...rowsOf(working), mapping: this.#mapping, crossReferences: this.#crossReferences };
    const [history, blocked] = [this.#histories[direction], await readBlocked(session, stream)];
    const users = await usersOf(steps.flatMap(changesOf), rows);
    const unasked = history.needsNoUsers && !isAnythingBlocked(blocked);
    const prepared = unasked ? prepareUnasked(steps) : prepareSteps(steps, users, history);
    const to = { stream, capability: CAPABILITY, session, rows, history, blocked };
    const batch = { version: this.#version[direction]++, prepared, ownership: [], progress, carefully: false };
    try {
      await applySteps(to, batch);
    } catch (error) {
      if (failureOf(error) !== 'row') throw error;
      await applySteps(to, { ...batch, prepared: withUsers(prepared, users), carefully: true });
    }
    return true;
  }

  #worksOf(direction: Direction, entry: LogEntry) {
    const mysql = sourceOf(direction) === 'monolith';
    const rows = entry.rows.map(
      ({ table, before, after }, at): RowChange => ({
        ...{ kind: 'row', table, before, after, transaction: '1', order: at + 1, nativeSign: entry.ours },
        op: before ? (after ? 'u' : 'd') : 'c',
        place: mysql ? { dialect: 'mysql', server: 's', file: 'f.1', pos: 0n } : { dialect: 'postgres', lsn: 0n },
      }),
    );
    const reading = { capability: CAPABILITY, direction, mapping: this.#mapping };
    const works = workOf(reading, { kind: 'transaction', id: '1', rows, position: '-' });
    return works.filter(({ kind }) => kind !== 'tick');
  }
}
