import type { Session } from '@strangler/ledger';
import { canonicalUser } from '@strangler/plan';
import type { Image, RowChange } from '../log/row-change.ts';
import type { Column } from '../mapping/columns.ts';
import { readColumns, type SurveyedTable, type SurveyedTables, type SurveyedWay, textIn } from './surveyed-table.ts';

/** Whose a row is; or that it is everybody's or nobody's, that its user is none of the Plan's userType, or that its parent is gone. */
export type RowOwner = { readonly user: string } | 'everybody' | 'null' | 'unreadable' | 'no-parent';

/** Parents remembered from the log: a child's change may come when its parent is gone. */
const MOST_PARENTS = 50_000;

/** What leads from a row to its user: the first of its ways that is not NULL; null for a row of nobody. */
type Lead = { readonly of: string | undefined; readonly values: readonly string[] } | null;

/** Says whose rows are, as the log tells it; what the log has not told is read from the monolith's database. */
export class RowOwners {
  readonly #tables: SurveyedTables;
  readonly #session: Session;
  /** Of rows of parents' tables, by table and key. */
  readonly #leads = new Map<string, Lead>();

  constructor(tables: SurveyedTables, session: Session) {
    this.#tables = tables;
    this.#session = session;
  }

  /** Takes in the parents among the rows of a transaction; before any of its children is asked about. */
  learn(rows: readonly RowChange[]): void {
    for (const { table: name, before, after } of rows) {
      const table = this.#tables.get(name);
      const image = after ?? before;
      if (!table?.ways.length || !image || !this.#isParent(name)) continue;
      const key = table.key.map((column) => textIn(column, image));
      const lead = leadIn(table.ways, (column) => textIn(column, image));
      if (key.every((one) => typeof one === 'string') && lead !== undefined) this.#remember(sayRow(name, key), lead);
    }
  }

  /** Whose a captured image of a table is. */
  async of(table: SurveyedTable, image: Image): Promise<RowOwner> {
    if (!table.ways.length) return 'everybody';
    return this.#from(table, leadIn(table.ways, (column) => textIn(column, image)) ?? null);
  }

  async #from({ userType }: SurveyedTable, lead: Lead): Promise<RowOwner> {
    if (!lead) return 'null';
    if (lead.of === undefined) {
      const user = canonicalUser(userType, lead.values[0]!);
      return user === undefined ? 'unreadable' : { user };
    }
    const parent = this.#tables.get(lead.of)!;
    const above = await this.#leadFrom(parent, lead.values);
    return above === undefined ? 'no-parent' : this.#from(parent, above);
  }

  async #leadFrom(parent: SurveyedTable, key: readonly string[]): Promise<Lead | undefined> {
    const name = sayRow(parent.name, key);
    const known = this.#leads.get(name);
    if (known !== undefined) return known;
    const columns = parent.ways.flatMap((way) => way.columns);
    const read = await readColumns(this.#session, parent, columns, key);
    const lead = read && leadIn(parent.ways, (column) => read[columns.indexOf(column)]);
    if (lead !== undefined) this.#remember(name, lead);
    return lead;
  }

  #remember(name: string, lead: Lead): void {
    this.#leads.delete(name);
    this.#leads.set(name, lead);
    if (this.#leads.size > MOST_PARENTS) this.#leads.delete(this.#leads.keys().next().value!);
  }

  #isParent(name: string): boolean {
    for (const { ways } of this.#tables.values()) if (ways.some(({ of }) => of === name)) return true;
    return false;
  }
}

const sayRow = (table: string, key: readonly unknown[]): string => JSON.stringify([table, ...key]);

/** Undefined if a column of the row is not known. */
function leadIn(ways: readonly SurveyedWay[], textOf: (column: Column) => string | null | undefined): Lead | undefined {
  for (const { columns, of } of ways) {
    const values = columns.map(textOf);
    if (values.includes(undefined)) return undefined;
    if (!values.includes(null)) return { of, values: values as string[] };
  }
  return null;
}
