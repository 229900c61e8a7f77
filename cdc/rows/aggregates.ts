import { keptImages, refusedAggregates, type Session, waitingKeys } from '@strangler/ledger';
import type { Side, Way } from '@strangler/plan';
import type { CrossReference } from '../mapping/cross-references.ts';
import { keyOf, type MappedTable, type Mapping, type Row } from '../mapping/mapping.ts';
import { wayOf, waysIn } from '../mapping/user-column.ts';
import type { Change, RootImage } from './change.ts';
import { hasIdentity } from './disposition.ts';
import { openStore } from './open-store.ts';
import type { RowStore } from './row-store.ts';

/** The rows of a capability on one side, reached through one session of its database. */
export type Rows = {
  readonly mapping: Mapping;
  /** What the sync sees to in the place of the databases' foreign keys; none where it only looks, or an operator writes. */
  readonly crossReferences: readonly CrossReference[];
  readonly side: Side;
  store(table: MappedTable): RowStore;
  /** Rows with these keys as they were kept in quarantine instead of being applied. */
  kept(table: MappedTable, keys: readonly Row[]): Promise<Row[]>;
  /** Those of these keys, each as one text, whose owner has a row that the target did not take: it may still come. */
  waiting(table: MappedTable, keys: readonly Row[]): Promise<string[]>;
  /** Those of these aggregates that are not there because the target did not take them, and nobody has decided yet. */
  refused(aggregates: readonly string[]): Promise<string[]>;
};

/** A row somewhere below the root of an aggregate. */
export type Member = { readonly table: MappedTable; readonly row: Row };

/** How many rows one statement asks for or writes. */
const CHUNK = 2_000;

/** Pieces of a list, each as long as one statement takes. */
export function* chunks<T>(all: readonly T[], size: number = CHUNK): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/** In their order, but what is shared by key stands first: others refer to it. */
export const byKeyFirst = <T>(all: readonly T[], idOf: (one: T) => MappedTable['ownId']): T[] =>
  all.toSorted((a, b) => Number(!idOf(a)) - Number(!idOf(b)));

/** Opens the rows of a capability on one side. */
export function openRows(
  session: Session,
  mapping: Mapping,
  side: Side,
  crossReferences: readonly CrossReference[] = [],
): Rows {
  const stores = new Map<MappedTable, RowStore>();
  return {
    mapping,
    crossReferences,
    side,
    store(table) {
      const known = stores.get(table) ?? openStore(session, table, side);
      stores.set(table, known);
      return known;
    },
    async kept(table, keys) {
      const names = keys.map((key) => keyOf(table, key));
      return (await keptImages(session, table.name, names)).map((image) => JSON.parse(image) as Row);
    },
    waiting: (table, keys) =>
      waitingKeys(
        session,
        table.name,
        keys.map((key) => keyOf(table, key)),
      ),
    refused: (aggregates) => refusedAggregates(session, aggregates),
  };
}

/** The parts of a row that make its primary key. */
export const keyRow = (table: MappedTable, row: Row): Row =>
  Object.fromEntries(table.key.map((column) => [column, row[column]!]));

/** A row's name among all of a capability: `orders 17`. */
export const nameOf = (table: MappedTable, row: Row): string => `${table.name} ${keyOf(table, row)}`;

/** The key of the parent a row reaches its user through; undefined if it has its user itself, or none. */
export function parentKey(
  mapping: Mapping,
  table: MappedTable,
  row: Row,
): { table: MappedTable; key: Row } | undefined {
  const way = wayOf(table, row);
  if (!way || !('of' in way)) return undefined;
  const parent = mapping.get(way.of)!;
  return { table: parent, key: keyThrough(parent, way, row) };
}

/** The key of a parent, as the columns of a way to it say. */
const keyThrough = ({ key }: MappedTable, { through }: ParentWay, row: Row): Row =>
  Object.fromEntries(key.map((column, at) => [column, row[through[at]!]!]));

type ParentWay = Extract<Way, { of: string }>;

/** The root of an aggregate, as far as it is known: `row` is undefined if a row on the way is not. */
export type Root = { readonly table: MappedTable; readonly key: Row; readonly row: Row | undefined };

/** Finds a row by its key. */
export type FindRow = (table: MappedTable, key: Row) => Row | undefined;

/** The root of the aggregate a row belongs to, as far as `find` knows the rows between. */
export function rootOf(mapping: Mapping, table: MappedTable, row: Row, find: FindRow): Root {
  const parent = parentKey(mapping, table, row);
  if (!parent) return { table, key: keyRow(table, row), row };
  const known = find(parent.table, parent.key);
  return known ? rootOf(mapping, parent.table, known, find) : { ...parent, row: undefined };
}

/** The roots of changed rows: parents are looked for in the changes (either image), then among the rows, then among what was kept. */
export async function rootsOf(
  rows: Rows,
  changes: readonly Change[],
  among: (at: number) => FindRow = imagesAsOf(changes),
): Promise<Root[]> {
  const found = new Map<string, Row>();
  const findAt =
    (at: number): FindRow =>
    (table, key) =>
      among(at)(table, key) ?? found.get(nameOf(table, key));
  const roots = () =>
    changes.map(({ table, before, after }, at) => rootOf(rows.mapping, table, (after ?? before)!, findAt(at)));
  for (let level = 0; level < rows.mapping.size; level++) {
    const missing = new Map<MappedTable, Map<string, Row>>();
    for (const { table, key, row } of roots()) {
      if (row) continue;
      const wanted = missing.get(table) ?? new Map<string, Row>();
      missing.set(table, wanted.set(keyOf(table, key), key));
    }
    let more = false;
    for (const [table, keys] of missing) {
      for (const row of await readOrKept(rows, table, keys)) {
        found.set(nameOf(table, row), row);
        more = true;
      }
    }
    if (!more) break;
  }
  return roots();
}

async function readOrKept(rows: Rows, table: MappedTable, keys: ReadonlyMap<string, Row>): Promise<Row[]> {
  const found: Row[] = [];
  for (const chunk of chunks([...keys.values()])) found.push(...(await rows.store(table).read(table.key, chunk)));
  const absent = new Map(keys);
  for (const row of found) absent.delete(keyOf(table, row));
  for (const chunk of chunks([...absent.values()])) found.push(...(await rows.kept(table, chunk)));
  return found;
}

/** Rows as they were at each of some changes, to find parents in: what the last change before it made of one, or the next one found. */
export function imagesAsOf(changes: readonly Change[]): (at: number) => FindRow {
  const images = new Map<string, { readonly from: number; readonly row: Row }[]>();
  for (const [at, { table, before, after }] of changes.entries()) {
    const note = (row: Row | null, from: number) => {
      if (!row) return;
      const name = nameOf(table, row);
      images.set(name, images.get(name) ?? []);
      images.get(name)!.push({ from, row });
    };
    note(before, at - 0.5); // it was so until then
    note(after, at);
  }
  return (at) => (table, key) => {
    const all = images.get(nameOf(table, key));
    return (all?.findLast(({ from }) => from <= at) ?? all?.[0])?.row;
  };
}

/** Everything that reaches its user through each of these rows, from the nearest on, by the row's key as one text. */
export async function membersOf(
  rows: Rows,
  table: MappedTable,
  keys: readonly Row[],
  hold = false,
): Promise<Map<string, Member[]>> {
  const members = new Map<string, Member[]>(keys.map((key) => [keyOf(table, key), []]));
  for (const { child, way } of waysTo(rows.mapping, table)) {
    const direct: Row[] = [];
    for (const chunk of chunks(keys)) {
      const like = chunk.map((row) =>
        Object.fromEntries(way.through.map((column, at) => [column, row[table.key[at]!]!])),
      );
      const found = await rows.store(child).read(way.through, like, hold);
      direct.push(...found.filter((row) => wayOf(child, row) === way)); // the others are another's
    }
    if (!direct.length) continue;
    const below = await membersOf(rows, child, direct, hold);
    for (const row of direct) {
      const above = keyOf(table, keyThrough(table, way, row));
      members.get(above)?.push({ table: child, row }, ...below.get(keyOf(child, row))!);
    }
  }
  return members;
}

/** The ways by which rows of other tables reach their user through rows of this one. */
const waysTo = (mapping: Mapping, { name }: MappedTable): { readonly child: MappedTable; readonly way: ParentWay }[] =>
  [...mapping.values()].flatMap((child) =>
    waysIn(child.user).flatMap((way) => ('of' in way && way.of === name ? [{ child, way }] : [])),
  );

/** Per row, the others that are the same thing as it; rows without an identity have none. */
export async function rivalsOf(
  rows: Rows,
  table: MappedTable,
  like: readonly Row[],
  hold = false,
): Promise<Map<Row, Row[]>> {
  const identified = like.filter((row) => hasIdentity(table, row));
  const sameAs = (row: Row) => JSON.stringify(table.sameWhen.map((column) => row[column]));
  const byIdentity = new Map<string, Row[]>();
  for (const chunk of chunks(identified)) {
    for (const row of await rows.store(table).read(table.sameWhen, chunk, hold)) {
      const same = byIdentity.get(sameAs(row)) ?? [];
      byIdentity.set(sameAs(row), same);
      same.push(row);
    }
  }
  return new Map(
    identified.map((row) => [
      row,
      (byIdentity.get(sameAs(row)) ?? []).filter((other) => keyOf(table, other) !== keyOf(table, row)),
    ]),
  );
}

/** Aggregates as they stand: the root, if there is one, and everything below it. */
export async function imagesOf(
  rows: Rows,
  table: MappedTable,
  keys: readonly Row[],
  hold = false,
): Promise<RootImage[]> {
  const found = new Map<string, Row>();
  for (const chunk of chunks(keys)) {
    for (const row of await rows.store(table).read(table.key, chunk, hold)) found.set(keyOf(table, row), row);
  }
  const members = await membersOf(rows, table, [...found.values()], hold);
  return keys.map((key) => {
    const name = keyOf(table, key);
    const children = (members.get(name) ?? []).map(({ table: child, row }) => ({ table: child.name, row }));
    return { table: table.name, key: keyRow(table, key), row: found.get(name) ?? null, children };
  });
}

/** What makes the rows of one side what these images say: first everything that goes, then everything that is. */
export async function changesTo(rows: Rows, roots: readonly RootImage[]): Promise<Change[]> {
  const gone: Change[] = [];
  const stay: Change[] = [];
  const byTable = Map.groupBy(roots, (root) => rows.mapping.get(root.table)!);
  for (const [table, images] of byTable) {
    const members = await membersOf(
      rows,
      table,
      images.map(({ key }) => key),
    );
    for (const { key, row, children } of images) {
      const kept = new Set(children.map((child) => nameOf(rows.mapping.get(child.table)!, child.row)));
      for (const member of members.get(keyOf(table, key))!) {
        if (!kept.has(nameOf(member.table, member.row)))
          gone.push({ table: member.table, before: member.row, after: null });
      }
      if (!row) gone.push({ table, before: key, after: null });
      else stay.push({ table, before: null, after: row });
      for (const child of children) {
        stay.push({ table: rows.mapping.get(child.table)!, before: null, after: child.row });
      }
    }
  }
  return [...gone, ...stay];
}
