import { randomUUID } from 'node:crypto';
import { portions, type Session, writeCorrections } from '@strangler/ledger';
import { LARGEST_MESSAGE_BYTES } from '../capture/connector-config.ts';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { userIn } from '../mapping/user-column.ts';
import { chunks, imagesOf, keyRow, nameOf, type Rows, rivalsOf } from '../rows/aggregates.ts';
import type { AppliedLate, CorrectedBy, Correction, RootImage } from '../rows/change.ts';
import { sameRow } from '../rows/disposition.ts';
import { goesElsewhere, usersOf, usersOfImages } from '../rows/users.ts';
import { TargetRefusesError } from './failures.ts';
import type { LateChange } from './late-change.ts';

/** Aggregates and late changes in one row of strangler_correction, unless they are long: that is one message in Kafka. */
const AT_ONCE = 400;

/** At most so many bytes does a character of JSON take as part of a text in JSON. */
const LONGEST_CHARACTER = 3;
/** Beside the row, a message says where it comes from, and when. */
const ABOUT = 64 * 1024;

/** A part of a correction. */
type Part = { readonly root: RootImage } | { readonly late: AppliedLate };

/**
 * Writes corrections: by user, whole aggregates as this side has them, and late changes it has `applied` to them, or what
 * an operator has asked for (`by`). The other side's stream carries them there. Throws TargetRefusesError, before anything is written, for an aggregate so large
 * that no message takes it: written, it would be in the log, and its connector could never go on.
 */
export async function correct(
  session: Session,
  capability: string,
  images: ReadonlyMap<string | null, readonly RootImage[]>,
  applied: ReadonlyMap<string | null, readonly AppliedLate[]> = new Map(),
  by?: CorrectedBy,
): Promise<void> {
  const rows: { id: string; capability: string; images: string }[] = [];
  for (const [user, roots] of images) {
    // First the late ones: who decides them again answers about the aggregates as they are then.
    const parts: Part[] = [...(applied.get(user) ?? []).map((late) => ({ late })), ...roots.map((root) => ({ root }))];
    const pieces = parts.length ? portions(parts, AT_ONCE, (part) => JSON.stringify(part).length) : [[]];
    for (const some of pieces) {
      const correction: Correction = {
        user,
        roots: some.flatMap((part) => ('root' in part ? [part.root] : [])),
        late: some.flatMap((part) => ('late' in part ? [part.late] : [])),
        ...by,
      };
      const text = JSON.stringify(correction);
      refuseTooLarge(text, correction);
      rows.push({ id: randomUUID(), capability, images: text });
    }
  }
  await writeCorrections(session, rows);
}

function refuseTooLarge(text: string, { roots, late }: Correction): void {
  const most = LARGEST_MESSAGE_BYTES - ABOUT;
  if (text.length * LONGEST_CHARACTER <= most) return;
  const bytes = Buffer.byteLength(JSON.stringify(text)); // in a message, the JSON is a text of another one
  if (bytes <= most) return;
  const what = roots[0] ? `${roots[0].table} ${Object.values(roots[0].key).join(' ')}` : `a row of ${late[0]!.table}`;
  const size = `${Math.ceil(bytes / 2 ** 20)} MiB with what belongs to it, of which a message takes ${LARGEST_MESSAGE_BYTES / 2 ** 20}`;
  throw new TargetRefusesError(`a correction of ${what}`, new Error(`${size}; make it smaller where it is owned`));
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

/**
 * Late changes that a correction brings back to where they were made, without those of which there is nothing to decide:
 * the row is as they left it, or went to another user and is that one’s, who will say what becomes of it.
 */
export async function withoutStanding(rows: Rows, late: readonly LateChange[]): Promise<readonly LateChange[]> {
  const stands = new Set<LateChange>();
  for (const [table, some] of Map.groupBy(late, (change) => change.table)) {
    const keys = some.map(({ before, after }) => keyRow(table, (after ?? before)!));
    const here = new Map<string, Row>();
    for (const chunk of chunks(keys))
      for (const row of await rows.store(table).read(table.key, chunk)) here.set(keyOf(table, row), row);
    for (const [at, change] of some.entries()) {
      const row = here.get(keyOf(table, keys[at]!)) ?? null;
      if (isAsLeft(change, row) || isTheirs(change, row)) stands.add(change);
    }
  }
  return late.filter((change) => !stands.has(change));
}

const isAsLeft = ({ table, after }: LateChange, row: Row | null): boolean =>
  row && after ? sameRow(table, row, after, table.touched) : row === after;

/**
 * A row that is reached through a parent says less of its user than that does: it is not called another one’s. Nor is one
 * that is nobody’s but its own and got another key: nobody else will say what becomes of it.
 */
function isTheirs(change: LateChange, row: Row | null): boolean {
  const { table, after } = change;
  if ('each' in table.user) return false;
  const user = after && goesElsewhere(change) ? userIn(table, after) : undefined;
  return row !== null && user !== undefined && userIn(table, row) === user;
}

/** Aggregates by the user each one is of, as this side has it; one that is not there is of `otherwise`. */
export async function byUser(
  rows: Rows,
  images: readonly RootImage[],
  otherwise: string | null,
): Promise<Map<string | null, RootImage[]>> {
  const users = await usersOfImages(
    rows,
    images,
    images.map(() => otherwise),
  );
  return Map.groupBy(images, (_, at) => users[at]!);
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
    const user = users[at]?.at(-1) ?? null;
    images.set(user, [...(images.get(user) ?? []), image]);
  }
  return { gone, images };
}

/** Equal texts for equal aggregates: rows have their columns in the mapping's order on both sides. */
export const sayImage = ({ row, children }: RootImage): string =>
  JSON.stringify([row, children.map((child) => JSON.stringify(child)).sort()]);
