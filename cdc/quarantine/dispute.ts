import { createHash } from 'node:crypto';
import type { KeptEntry } from '@strangler/ledger';
import { readQuarantine } from '@strangler/ledger';
import { directionInto, type Side } from '@strangler/plan';
import { sayImage } from '../apply/corrections.ts';
import { cutFrom, imageWithNotes } from '../apply/cut.ts';
import { keyFrom, type MappedTable, type Mapping, type Row } from '../mapping/mapping.ts';
import { Refusal } from '../refusal.ts';
import { imagesOf, keyRow, nameOf, parentKey, type Rows, rivalsOf } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import type { OpenSides } from '../sides.ts';
import { type EntryName, sayEntry, streamOf } from './entry-name.ts';

/** A change kept in quarantine. */
export type KeptChange = Change & { readonly entry: KeptEntry };

/** Everything of one aggregate that one source transaction had kept, beside what its owner has now. */
export type Dispute = {
  readonly entries: readonly KeptEntry[];
  readonly changes: readonly KeptChange[];
  readonly user: string;
  /** The present owner of the user. */
  readonly owner: Side;
  /** The owner's aggregate, then those of rows that are the same thing as a kept one. */
  readonly images: readonly RootImage[];
  /** Changes whenever any of it does. */
  readonly seen: string;
};

/** The side whose quarantine a stream writes. */
export const keeperOf = ({ direction }: Pick<EntryName, 'direction'>): Side =>
  directionInto('service') === direction ? 'service' : 'monolith';

/** One entry. Throws Refusal if there is none. */
export async function readEntry(sides: OpenSides, name: EntryName): Promise<KeptEntry> {
  const session = sides.sessions[keeperOf(name)];
  const [entry] = await readQuarantine(session, { stream: streamOf(name), ids: [name.id] });
  if (entry) return entry;
  throw new Refusal(
    `there is no entry ${sayEntry(streamOf(name), name.id)}; strangler quarantine list shows what there is`,
  );
}

/** True for an entry that contradicts the owner’s row; the others are rows that the target did not take. */
export const isDisputed = ({ cause }: KeptEntry): boolean => !cause.endsWith('inapplicable');

/** The entries that are decided together with this one: of the same aggregate and the same source transaction. */
export async function readTogether(
  sides: OpenSides,
  name: EntryName,
  entry: KeptEntry,
  lock = false,
): Promise<KeptEntry[]> {
  const { aggregate, position } = entry;
  const all = await readQuarantine(sides.sessions[keeperOf(name)], { stream: entry.stream, aggregate, position, lock });
  return all.filter((one) => isDisputed(one) && one.status === entry.status);
}

/**
 * The kept changes of entries, oldest first, with notes where values were cut (`cut.ts`). Throws Refusal for a table that
 * the Plan no longer has.
 */
export function changesFrom(mapping: Mapping, entries: readonly KeptEntry[]): KeptChange[] {
  return entries.map((entry) => {
    const table = tableFrom(mapping, entry.table);
    const image = (text: string | null) => (text === null ? null : imageWithNotes(text));
    return { table, before: image(entry.before), after: image(entry.after), entry };
  });
}

/** A table of an entry. Throws Refusal for one that the Plan no longer has. */
export function tableFrom(mapping: Mapping, name: string): MappedTable {
  const table = mapping.get(name);
  if (table) return table;
  throw new Refusal(`the Plan has no table ${name} any more; put it back, or settle this by hand`);
}

/** The entries that are undone together with this one: what of the same aggregate went at once with it. */
export async function readUndoneTogether(sides: OpenSides, name: EntryName, entry: KeptEntry): Promise<KeptEntry[]> {
  const { stream, aggregate, position, cause, status } = entry;
  const session = sides.sessions[keeperOf(name)];
  const all = await readQuarantine(session, { stream, aggregate, position, causes: [cause], status });
  return all.filter((one) => one.operation === entry.operation);
}

/** The root of an aggregate by its name, `orders 17`. */
export function rootFrom(mapping: Mapping, name: string): { table: MappedTable; key: Row } {
  const space = name.indexOf(' ');
  const table = mapping.get(name.slice(0, space));
  if (!table) throw new Refusal(`the Plan has no table ${name.slice(0, space)} any more`);
  return { table, key: keyFrom(table, name.slice(space + 1)) };
}

/**
 * Puts kept changes beside what the owner has now; `hold` keeps the owner's rows so until its transaction ends. Throws
 * Refusal while the user is being moved.
 */
export async function readDispute(sides: OpenSides, entries: readonly KeptEntry[], hold: boolean): Promise<Dispute> {
  const { user, aggregate } = entries[0]!;
  if (user === null) throw new Refusal(`nobody knows whose row ${aggregate} is; verify this capability`);
  const owner = (await sides.owners())(user);
  if (owner === 'moving') {
    throw new Refusal(`user ${user} is being moved just now; try again when strangler status shows nobody moving`);
  }
  const changes = changesFrom(sides.mapping, entries);
  const whole = changes.filter(({ entry }) => !cutFrom(entry).length);
  const images = await ownersImages(sides.rows[owner], aggregate, whole, hold);
  const facts = [
    owner,
    entries.map(({ id, status }) => [id, status]),
    images.map((one) => [one.table, one.key, sayImage(one)]),
  ];
  const seen = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
  return { entries, changes, user, owner, images, seen };
}

/** The owner's aggregate of this name, then those of rows that are the same thing as one that these changes bring. */
export async function ownersImages(
  rows: Rows,
  aggregate: string,
  changes: readonly Change[],
  hold: boolean,
): Promise<RootImage[]> {
  const root = rootFrom(rows.mapping, aggregate);
  const images = new Map<string, RootImage>();
  const add = async (table: MappedTable, keys: readonly Row[]) => {
    for (const image of await imagesOf(rows, table, keys, hold)) images.set(nameOf(table, image.key), image);
  };
  await add(root.table, [root.key]);
  const ofRoots = changes.filter(({ table, after }) => after && !parentKey(rows.mapping, table, after));
  for (const [table, some] of Map.groupBy(ofRoots, (change) => change.table)) {
    const after = some.flatMap(({ after }) => (after ? [after] : []));
    const rivals = [...(await rivalsOf(rows, table, after, hold)).values()].flat();
    await add(
      table,
      rivals.map((rival) => keyRow(table, rival)),
    );
  }
  return [...images.values()];
}
