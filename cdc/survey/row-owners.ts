import type { Session } from '@strangler/ledger';
import { canonicalUser } from '@strangler/plan';
import type { Image, RowChange } from '../log/row-change.ts';
import type { Column } from '../mapping/columns.ts';
import { readColumn, type SurveyedTable, type SurveyedTables, textIn } from './surveyed-table.ts';

/** Whose a row is; or that it is everybody's or nobody's, that its user is none of the Plan's userType, or that its parent is gone. */
export type RowOwner = { readonly user: string } | 'everybody' | 'null' | 'unreadable' | 'no-parent';

/** A table whose rows are of users. */
type OwnedTable = SurveyedTable & { readonly user: NonNullable<SurveyedTable['user']> };
const isOwned = (table: SurveyedTable): table is OwnedTable => table.user !== undefined;

/** Parents remembered from the log: a child's change may come when its parent is gone. */
const MOST_PARENTS = 50_000;

/** Says whose rows are, as the log tells it; what the log has not told is read from the monolith's database. */
export class RowOwners {
  readonly #tables: SurveyedTables;
  readonly #session: Session;
  /** By table and key, what leads from a row of a parent's table to its user. */
  readonly #paths = new Map<string, string | null>();

  constructor(tables: SurveyedTables, session: Session) {
    this.#tables = tables;
    this.#session = session;
  }

  /** Takes in the parents among the rows of a transaction; before any of its children is asked about. */
  learn(rows: readonly RowChange[]): void {
    for (const { table: name, before, after } of rows) {
      const table = this.#tables.get(name);
      const image = after ?? before;
      if (!table || !isOwned(table) || !image || !this.#isParent(name)) continue;
      const key = textIn(table.key[0]!, image);
      const path = textIn(pathOf(table), image);
      if (typeof key === 'string' && path !== undefined) this.#remember(`${name} ${key}`, path);
    }
  }

  /** Whose a captured image of a table is. */
  async of(table: SurveyedTable, image: Image): Promise<RowOwner> {
    if (!isOwned(table)) return 'everybody';
    return this.#from(table, textIn(pathOf(table), image) ?? null);
  }

  async #from(table: OwnedTable, path: string | null): Promise<RowOwner> {
    if (path === null) return 'null';
    if ('column' in table.user) {
      const user = canonicalUser(table.userType, path);
      return user === undefined ? 'unreadable' : { user };
    }
    const parent = this.#tables.get(table.user.of) as OwnedTable;
    const above = await this.#pathFrom(parent, path);
    return above === undefined ? 'no-parent' : this.#from(parent, above);
  }

  async #pathFrom(parent: OwnedTable, key: string): Promise<string | null | undefined> {
    const name = `${parent.name} ${key}`;
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const read = await readColumn(this.#session, parent, pathOf(parent), key);
    if (read !== undefined) this.#remember(name, read);
    return read;
  }

  #remember(name: string, path: string | null): void {
    this.#paths.delete(name);
    this.#paths.set(name, path);
    if (this.#paths.size > MOST_PARENTS) this.#paths.delete(this.#paths.keys().next().value!);
  }

  #isParent(name: string): boolean {
    for (const { user } of this.#tables.values()) if (user && 'of' in user && user.of === name) return true;
    return false;
  }
}

const pathOf = ({ user }: OwnedTable): Column => ('column' in user ? user.column : user.through);
