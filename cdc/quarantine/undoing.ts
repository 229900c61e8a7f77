import { createHash } from 'node:crypto';
import type { KeptEntry } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { sayImage } from '../apply/corrections.ts';
import { keyOf, type MappedTable, type Mapping, type Row } from '../mapping/mapping.ts';
import { leadOf, userIn, wayOf } from '../mapping/user-column.ts';
import { Refusal } from '../refusal.ts';
import { nameOf, parentKey, type Rows } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import { sameRow } from '../rows/disposition.ts';
import type { OpenSides } from '../sides.ts';
import { refuseCut } from './cut.ts';
import { ownersImages, rootFrom, tableFrom } from './dispute.ts';
import { sayEntry } from './entry-name.ts';

/** A row before what is to be undone, and after it; null is its absence. */
export type LostAndMade = { readonly table: MappedTable; readonly lost: Row | null; readonly made: Row | null };

/** Everything about one aggregate that is undone together, beside what its owner has now. */
export type Undoing = {
  readonly entries: readonly KeptEntry[];
  readonly aggregate: string;
  readonly user: string;
  readonly owner: Side;
  readonly rows: readonly LostAndMade[];
  /** What puts the rows back. */
  readonly changes: readonly Change[];
  /** The owner's aggregate, then those that would have to go for it. */
  readonly images: readonly RootImage[];
  /** What the owner has otherwise than it was made: then nobody has looked at what undoing would take away. */
  readonly changed: readonly string[];
  /** Changes whenever any of it does. */
  readonly seen: string;
};

/** What an entry took away, and what it put there. Throws Refusal for what took nothing away. */
export function lostAndMade(mapping: Mapping, entry: KeptEntry): LostAndMade {
  const called = sayEntry(entry.stream, entry.id);
  if (entry.status === 'open') {
    throw new Refusal(`${called} is open, so nothing was done: decide it with strangler quarantine resolve ${called}`);
  }
  const table = tableFrom(mapping, entry.table);
  const row = (image: string | null) => (image === null ? null : (JSON.parse(image) as Row));
  const wasApplied = entry.cause === 'late-applied' || entry.cause === 'rogue-applied';
  // Of a row that gave way to another one for the same thing, `owner` is that other one, under a key of its own.
  const gaveWay = entry.status === 'superseded' && !/-superseded$|-write$/.test(entry.cause);
  const [lost, made] = wasApplied
    ? [row(entry.owner), row(entry.after)]
    : [row(entry.after), gaveWay ? null : row(entry.owner)];
  if (!lost && !made) throw new Refusal(`${called} took nothing away: there is nothing to undo`);
  if (entry.cause.endsWith('inapplicable')) throw new Refusal(`${called} overwrote nothing: there is nothing to undo`);
  return { table, lost, made };
}

/** The rows of entries, oldest first: of one that was overwritten more than once, the first loss and the last state. */
function rowsOf(mapping: Mapping, entries: readonly KeptEntry[]): LostAndMade[] {
  const rows = new Map<string, LostAndMade>();
  const inOrder = [...entries].sort((a, b) => (a.keptAt === b.keptAt ? a.id - b.id : a.keptAt < b.keptAt ? -1 : 1));
  for (const entry of inOrder) {
    const one = lostAndMade(mapping, entry);
    const name = `${entry.table} ${entry.key}`;
    const earlier = rows.get(name);
    rows.set(name, earlier ? { ...one, lost: earlier.lost } : one);
  }
  return [...rows.values()];
}

/**
 * Puts entries of one aggregate beside what its owner has now; `hold` keeps the owner's rows so until its transaction
 * ends. Throws Refusal if there is nothing to undo, and while the user is being moved.
 */
export async function readUndoing(sides: OpenSides, entries: readonly KeptEntry[], hold: boolean): Promise<Undoing> {
  const { aggregate, user } = entries[0]!;
  if (user === null)
    throw new Refusal(`nobody knows whose row ${aggregate} is, so nobody can say where to put it back`);
  refuseCut(entries);
  const owner = (await sides.owners())(user);
  if (owner === 'moving') {
    throw new Refusal(`user ${user} is being moved just now; try again when strangler status shows nobody moving`);
  }
  const rows = rowsOf(sides.mapping, entries);
  refuseMoved(sides.mapping, rows);
  const changes = rows.map(({ table, lost, made }): Change => ({ table, before: made ?? lost, after: lost }));
  const images = await ownersImages(sides.rows[owner], aggregate, changes, hold);
  refuseRootless(aggregate, changes, images);
  await refuseOrphans(sides.rows[owner], entries);
  const changed: string[] = [];
  const now: (Row | null)[] = [];
  for (const { table, lost, made } of rows) {
    const key = (lost ?? made)!;
    const [current = null] = await sides.rows[owner].store(table).read(table.key, [key], hold);
    now.push(current);
    if (!isAlike(table, current, made)) changed.push(nameOf(table, key));
  }
  const facts = [owner, entries.map(({ stream, id }) => sayEntry(stream, id)), now, images.map(sayImage)];
  const seen = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
  return { entries, aggregate, user, owner, rows, changes, images, changed, seen };
}

const isAlike = (table: MappedTable, a: Row | null, b: Row | null): boolean =>
  a && b ? keyOf(table, a) === keyOf(table, b) && sameRow(table, a, b, table.touched) : a === b;

/** Throws Refusal for a row that went from one parent to another: putting it back would take it from an aggregate that is not looked at. */
function refuseMoved(
  mapping: Mapping,
  rows: readonly { readonly table: MappedTable; readonly lost: Row | null; readonly made: Row | null }[],
): void {
  for (const { table, lost, made } of rows) {
    if (!lost || !made || 'each' in table.user || leadOf(table, lost) === leadOf(table, made)) continue;
    if (![lost, made].some((row) => parentKey(mapping, table, row))) continue;
    throw new Refusal(
      `${nameOf(table, made)} belonged to ${sayLead(mapping, table, lost)} and belongs to ${sayLead(mapping, table, made)} now; ` +
        'change that through the application of the owner, which both sides hear',
    );
  }
}

function sayLead(mapping: Mapping, table: MappedTable, row: Row): string {
  const parent = parentKey(mapping, table, row);
  return parent ? nameOf(parent.table, parent.key) : wayOf(table, row) ? `user ${userIn(table, row)}` : 'nobody';
}

/** Throws Refusal if the rows belong to something that the owner no longer has. */
function refuseRootless(aggregate: string, changes: readonly Change[], [root]: readonly RootImage[]): void {
  const brought = changes.filter(({ after }) => after);
  if (root!.row || !brought.length || brought.some(({ table }) => table.name === root!.table)) return;
  throw new Refusal(`the owner no longer has ${aggregate}, to which the kept rows belong`);
}

/** Throws Refusal if rows went with what they refer to, and that is still gone. */
async function refuseOrphans(rows: Rows, entries: readonly KeptEntry[]): Promise<void> {
  for (const { cause, aggregate, detail } of entries) {
    if (cause !== 'orphaned') continue;
    const { table, key } = rootFrom(rows.mapping, detail!);
    const [parent] = await rows.store(table).read(table.key, [key]);
    if (!parent) throw new Refusal(`${detail}, to which ${aggregate} refers, is gone still; put that back first`);
  }
}
