import type { Side } from '@strangler/plan';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { isInsertedByBoth, NOBODY, userIn } from '../mapping/user-column.ts';
import type { OwnerNow } from '../owner-now.ts';
import { keyRow, type Root, type Rows, rootsOf } from '../rows/aggregates.ts';
import { comparePages } from '../rows/compare-rows.ts';
import type { OpenSides } from '../sides.ts';

/** A row that both sides do not have alike. */
export type DifferingRow = { readonly table: MappedTable; readonly key: Row } & Readonly<Record<Side, Row | null>>;

const AT_ONCE = 1_000;

/** Every row of a capability that differs, as both sides have it. */
export async function findDiffering(
  sides: OpenSides,
  onProgress: (table: string, compared: number) => void,
): Promise<DifferingRow[]> {
  const found: DifferingRow[] = [];
  for (const table of sides.mapping.values()) {
    const stores = { monolith: sides.rows.monolith.store(table), service: sides.rows.service.store(table) };
    const { differences } = await comparePages(table, stores, (compared) => onProgress(table.name, compared));
    const keys = differences.map(({ key }) => key);
    for (const one of await readBoth(sides, table, keys)) found.push(one);
  }
  return found;
}

/** Those that still differ, and where neither side has changed since: nothing on its way makes them equal. */
export async function stillDiffering(sides: OpenSides, before: readonly DifferingRow[]): Promise<DifferingRow[]> {
  const still: DifferingRow[] = [];
  for (const [table, some] of Map.groupBy(before, (one) => one.table)) {
    const now = await readBoth(
      sides,
      table,
      some.map(({ key }) => key),
    );
    const then = new Map(some.map((one) => [keyOf(table, one.key), one]));
    for (const one of now) {
      const earlier = then.get(keyOf(table, one.key))!;
      if (say(one.monolith) === say(earlier.monolith) && say(one.service) === say(earlier.service)) still.push(one);
    }
  }
  return still;
}

const say = (row: Row | null): string => JSON.stringify(row);

async function readBoth(sides: OpenSides, table: MappedTable, keys: readonly Row[]): Promise<DifferingRow[]> {
  const both: DifferingRow[] = [];
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const some = keys.slice(at, at + AT_ONCE);
    const [monolith, service] = await Promise.all([
      read(sides.rows.monolith, table, some),
      read(sides.rows.service, table, some),
    ]);
    for (const key of some) {
      const name = keyOf(table, key);
      const one = {
        table,
        key: keyRow(table, key),
        monolith: monolith.get(name) ?? null,
        service: service.get(name) ?? null,
      };
      if (say(one.monolith) !== say(one.service)) both.push(one);
    }
  }
  return both;
}

async function read(rows: Rows, table: MappedTable, keys: readonly Row[]): Promise<Map<string, Row>> {
  const found = await rows.store(table).read(table.key, keys);
  return new Map(found.map((row) => [keyOf(table, row), row]));
}

/** An aggregate to be copied from its user's owner; `rows` are those of it that differ. */
export type Owned = {
  readonly table: MappedTable;
  readonly key: Row;
  readonly user: string;
  readonly owner: Side;
  readonly rows: DifferingRow[];
};

/** What is to be copied, and rows whose user nobody can name, or who is being moved now. */
export type Sorted = { readonly owned: readonly Owned[]; readonly unclear: readonly DifferingRow[] };

/** Finds out whose each differing row is: what a user's owner has counts. */
export async function sortByOwner(
  sides: OpenSides,
  differing: readonly DifferingRow[],
  owners: (user: string) => OwnerNow,
): Promise<Sorted> {
  const roots = {
    monolith: await rootsOn(sides, 'monolith', differing),
    service: await rootsOn(sides, 'service', differing),
  };
  const owned = new Map<string, Owned>();
  const unclear: DifferingRow[] = [];
  for (const one of differing) {
    const claims = (['monolith', 'service'] as const).flatMap((side) => {
      const root = roots[side].get(one);
      if (!root?.row) return [];
      const user = userIn(root.table, root.row) ?? NOBODY;
      return [{ ...root, side, user, owner: isOneSidesInsert(root.table, one) ? side : owners(user) }];
    });
    const claim = claims.find(({ side, owner }) => side === owner) ?? claims[0];
    if (!claim || claim.owner === 'moving') {
      unclear.push(one);
      continue;
    }
    for (const { table, key } of claims) {
      const name = `${claim.owner} ${table.name} ${keyOf(table, key)}`;
      const aggregate = owned.get(name) ?? { table, key, user: claim.user, owner: claim.owner, rows: [] };
      owned.set(name, aggregate);
      if (!aggregate.rows.includes(one)) aggregate.rows.push(one);
    }
  }
  return { owned: [...owned.values()], unclear };
}

/** True of a row that either side may insert, and that only one has: its absence is nobody's doing. */
const isOneSidesInsert = (table: MappedTable, { monolith, service }: DifferingRow): boolean =>
  isInsertedByBoth(table) && !(monolith && service);

async function rootsOn(
  sides: OpenSides,
  side: Side,
  differing: readonly DifferingRow[],
): Promise<Map<DifferingRow, Root>> {
  const present = differing.filter((one) => one[side]);
  const changes = present.map((one) => ({ table: one.table, before: null, after: one[side] }));
  const roots = new Map<DifferingRow, Root>();
  for (let at = 0; at < present.length; at += AT_ONCE) {
    const some = await rootsOf(sides.rows[side], changes.slice(at, at + AT_ONCE));
    for (const [nth, root] of some.entries()) roots.set(present[at + nth]!, root);
  }
  return roots;
}
