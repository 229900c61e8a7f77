import type { Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import type { Image, RowChange } from '../log/row-change.ts';
import type { SurveyedChange } from './explain.ts';
import type { Stretch } from './heard-writes.ts';
import { RowOwners } from './row-owners.ts';
import { readTables, type SurveyedTable, type SurveyedTables, sayKey } from './surveyed-table.ts';

/** A log without transaction numbers knows times to the second, ms. */
const COARSE_MS = 1_000;

const OPERATIONS = { c: 'insert', u: 'update', d: 'delete' } as const;

/** Reads whose rows of one capability are, and what became of them, from captured rows. */
export class CapturedChanges {
  readonly tables: SurveyedTables;
  readonly #owners: RowOwners;

  private constructor(tables: SurveyedTables, session: Session) {
    this.tables = tables;
    this.#owners = new RowOwners(tables, session);
  }

  /** Throws an Error naming the tables and columns the monolith does not have. */
  static async open(session: Session, plan: Plan, capability: string): Promise<CapturedChanges> {
    return new CapturedChanges(await readTables(session, capability, plan.capabilities[capability]!), session);
  }

  /** The changes of a transaction that concern this capability. `ahead`: how far our clock is ahead of the database's, ms. */
  async in(transaction: string, rows: readonly RowChange[], ahead: number): Promise<SurveyedChange[]> {
    this.#owners.learn(rows);
    const changes: SurveyedChange[] = [];
    for (const row of rows) {
      const table = this.tables.get(row.table);
      if (!table || row.at === undefined || row.op === 'r' || row.op === 't') continue;
      const { before, after } = row;
      changes.push({
        ...{ capability: table.capability, table: table.name, op: OPERATIONS[row.op], transaction },
        columns: before && after ? changedColumns(table, before, after) : [],
        key: sayKey(table, (after ?? before)!),
        before: before ? await this.#owners.of(table, before) : undefined,
        after: after ? await this.#owners.of(table, after) : undefined,
        cascade: row.op === 'd' && goesWithParent(table, before!, rows),
        at: stretchOf(row, ahead),
      });
    }
    return changes;
  }
}

/** Without those that the Plan says decide nothing, unless there are no others. */
function changedColumns({ touched }: SurveyedTable, before: Image, after: Image): string[] {
  const changed = Object.keys(after).filter((name) => String(after[name]) !== String(before[name]));
  const decisive = changed.filter((name) => !touched.includes(name));
  return decisive.length ? decisive : changed;
}

function goesWithParent({ cascades }: SurveyedTable, image: Image, rows: readonly RowChange[]): boolean {
  return cascades.some(({ column, parent, parentColumn }) =>
    rows.some(
      ({ op, table, before }) =>
        op === 'd' && table === parent && before !== null && String(before[parentColumn]) === String(image[column]),
    ),
  );
}

function stretchOf({ at, place }: RowChange, ahead: number): Stretch {
  const from = at! + ahead;
  const isCoarse = place.dialect === 'mysql' && place.server === '';
  return { from, to: isCoarse ? from + COARSE_MS : from };
}
