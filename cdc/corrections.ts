import { randomUUID } from 'node:crypto';
import { type Session, writeCorrections } from '@strangler/ledger';
import { imagesOf, keyRow, nameOf, type Rows, rivalsOf } from './aggregates.ts';
import type { MappedTable, Row } from './mapping.ts';
import type { AppliedLate, Correction, RootImage } from './steps.ts';
import { usersOf } from './users.ts';

/** Aggregates, or late changes, in one row of strangler_correction: a message that Kafka still takes. */
const AT_ONCE = 200;

/**
 * Writes corrections: by user, whole aggregates as this side has them, and late changes it has `applied` to them. The
 * other side's stream carries them there.
 */
export async function correct(
  session: Session,
  capability: string,
  images: ReadonlyMap<string | null, readonly RootImage[]>,
  applied: ReadonlyMap<string | null, readonly AppliedLate[]> = new Map(),
): Promise<void> {
  const rows: { id: string; capability: string; images: string }[] = [];
  for (const [user, roots] of images) {
    const late = applied.get(user) ?? [];
    for (let at = 0; at === 0 || at < Math.max(roots.length, late.length); at += AT_ONCE) {
      const [from, to] = [at, at + AT_ONCE];
      const correction: Correction = { user, roots: roots.slice(from, to), late: late.slice(from, to) };
      rows.push({ id: randomUUID(), capability, images: JSON.stringify(correction) });
    }
  }
  await writeCorrections(session, rows);
}

/**
 * What a side answers to a correction of a sender that does not own any more: the present owner's aggregates, as far as
 * they differ from the sender's.
 */
export async function answerTo(rows: Rows, { roots }: Correction): Promise<RootImage[]> {
  const answers = new Map<string, RootImage>();
  let differs = false;
  for (const [table, images] of Map.groupBy(roots, (root) => rows.mapping.get(root.table)!)) {
    const keys = images.map(({ key }) => key);
    for (const [at, own] of (await imagesOf(rows, table, keys, true)).entries()) {
      answers.set(nameOf(table, own.key), own);
      differs ||= sayImage(own) !== sayImage(images[at]!);
    }
    const given = images.flatMap(({ row }) => (row ? [row] : []));
    const rivals = [...(await rivalsOf(rows, table, given, true)).values()].flat();
    for (const own of await imagesOf(
      rows,
      table,
      rivals.map((rival) => keyRow(table, rival)),
      true,
    )) {
      answers.set(nameOf(table, own.key), own);
      differs = true;
    }
  }
  return differs ? [...answers.values()] : [];
}

/** What a side makes of a correction that names no user: which aggregates it has not either, and by user those it has. */
export async function answerToUnknown(
  rows: Rows,
  { roots }: Correction,
): Promise<{ readonly gone: readonly RootImage[]; readonly images: ReadonlyMap<string | null, readonly RootImage[]> }> {
  const gone: RootImage[] = [];
  const here: { readonly image: RootImage; readonly table: MappedTable; readonly row: Row }[] = [];
  for (const [table, some] of Map.groupBy(roots, (root) => rows.mapping.get(root.table)!)) {
    const keys = some.map(({ key }) => key);
    for (const image of await imagesOf(rows, table, keys, true)) {
      if (image.row) here.push({ image, table, row: image.row });
      else gone.push(image);
    }
  }
  const users = await usersOf(
    here.map(({ table, row }) => ({ table, before: null, after: row })),
    rows,
  );
  const images = new Map<string | null, RootImage[]>();
  for (const [at, { image }] of here.entries()) {
    const user = users[at] ?? null;
    images.set(user, [...(images.get(user) ?? []), image]);
  }
  return { gone, images };
}

/** Equal texts for equal aggregates: rows have their columns in the mapping's order on both sides. */
export const sayImage = ({ row, children }: RootImage): string =>
  JSON.stringify([row, children.map((child) => JSON.stringify(child)).sort()]);
