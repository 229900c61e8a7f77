import type { MappedTable, Row } from '../mapping/mapping.ts';
import { imagesAsOf, imagesOf, keyRow, nameOf, type Rows, rootsOf } from '../rows/aggregates.ts';
import type { AppliedLate, RootImage } from '../rows/change.ts';
import { type Disposition, type Late, sameRow } from '../rows/disposition.ts';
import { goesElsewhere, usersOfImages } from '../rows/users.ts';
import type { Aggregate, LateChange } from './late-change.ts';

/** True if the late transaction made the aggregate: then nothing can have overwritten it on the late side before. */
const isBorn = ({ table, changes }: Aggregate): boolean =>
  changes.some((change) => change.table === table && !change.before);

function append<K, T>(lists: Map<K, T[]>, key: K, more: readonly T[]): void {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  for (const one of more) list.push(one);
}

/** An aggregate the late side must take over, and the late changes that were applied to it. */
type Due = {
  readonly table: MappedTable;
  readonly key: Row;
  readonly user: string | null;
  readonly late: AppliedLate[];
};

/** The aggregates the late side must take over: the loser's absence and the winner's rows, or what the owner has. */
export class DueImages {
  readonly #due = new Map<string, Due>();

  note(aggregate: Aggregate, change: LateChange, late: Late, disposition: Disposition): void {
    const { table, before, after, epoch } = change;
    const want = (of: MappedTable, key: Row): Due => this.#want(of, key, change.user);
    if (disposition === 'apply') {
      // An earlier correction may reach the late side after this write and undo it there: the next one repairs that.
      if (isBorn(aggregate)) return;
      want(aggregate.table, aggregate.key).late.push({ table: table.name, before, after, epoch });
      return;
    }
    if (disposition === 'open') return void want(aggregate.table, aggregate.key);
    const { current, rivals } = late;
    if (rivals.length || (after && !(current && sameRow(table, after, current)))) want(aggregate.table, aggregate.key);
    if (aggregate.table === table) for (const rival of rivals) want(table, rival);
  }

  /** Beside their aggregates, those that rows have left by these changes. */
  async noteLeft(rows: Rows, changes: readonly LateChange[]): Promise<void> {
    const moved = changes.filter(goesElsewhere);
    if (!moved.length) return;
    const left = moved.map(({ table, before }) => ({ table, before: null, after: before }));
    const lastly = imagesAsOf(changes)(changes.length);
    const roots = await rootsOf(rows, left, () => lastly);
    for (const [at, { table, key }] of roots.entries()) this.#want(table, key, moved[at]!.user);
  }

  #want(table: MappedTable, key: Row, user: string | null): Due {
    const name = nameOf(table, key);
    const due = this.#due.get(name) ?? { table, key: keyRow(table, key), user, late: [] };
    this.#due.set(name, due);
    return due;
  }

  /** By the user they are of, as they stand now. */
  async read(rows: Rows): Promise<{
    readonly images: ReadonlyMap<string | null, readonly RootImage[]>;
    readonly applied: ReadonlyMap<string | null, readonly AppliedLate[]>;
  }> {
    const images = new Map<string | null, RootImage[]>();
    const applied = new Map<string | null, AppliedLate[]>();
    for (const [table, all] of Map.groupBy(this.#due.values(), (due) => due.table)) {
      const keys = all.map(({ key }) => key);
      const own = await imagesOf(rows, table, keys, true);
      const users = await usersOfImages(
        rows,
        own,
        all.map(({ user }) => user),
      );
      for (const [at, user] of users.entries()) {
        append(images, user, [own[at]!]);
        append(applied, user, all[at]!.late);
      }
    }
    return { images, applied };
  }
}
