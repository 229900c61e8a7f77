import { type KeptEntry, noteUndone, writeRecord } from '@strangler/ledger';
import { type Direction, directionInto, otherSide, type Plan, type Side, streamName } from '@strangler/plan';
import { correct } from '../apply/corrections.ts';
import { isRefusal } from '../apply/failures.ts';
import { newOperation, overwritingBy } from '../apply/overwritten.ts';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import type { CorrectedBy, RootImage } from '../rows/change.ts';
import { holdStream, type OpenSides, withSides } from '../sides.ts';
import { arrivalDue, awaitEqual } from './await-equal.ts';
import { keeperOf, readEntry, readUndoneTogether } from './dispute.ts';
import { readEntryName, sayEntry } from './entry-name.ts';
import { applyKept } from './keep-late-write.ts';
import { readUndoing, type Undoing } from './undoing.ts';
import { list } from './view.ts';

/** Who undoes it and why; `seen` is what `show` printed of the rows as they are now. */
export type UndoOptions = { readonly by: string; readonly reason: string; readonly seen: string | undefined };

/** What became of the entries of one aggregate. `arrived`: whether the other side has it already. */
export type Undone = {
  readonly entries: readonly string[];
  readonly undone: boolean;
  readonly says: string;
  readonly arrived: boolean;
};

/** What was tried of one aggregate; `put`: what the owner has of it now, if it was put back. */
type Tried = Pick<Undone, 'entries' | 'says'> & {
  readonly put?: { readonly owner: Side; readonly all: readonly RootImage[] };
};

/** What became of undoing; what it has overwritten itself is undone by its own `operation`. */
export type UndoResult = { readonly operation: string; readonly results: readonly Undone[] };

/**
 * Puts back what an entry's row was before it was overwritten, superseded or changed late: as the present owner's row, and
 * from there on the other side, with everything of the same aggregate that went at once with it. Only if the owner's row
 * is still what it was made then, or was `seen` as it is. Audited before it has an effect. Throws Refusal, driver errors.
 */
export async function undo(plan: Plan, text: string, options: UndoOptions): Promise<UndoResult> {
  const name = readEntryName(text, syncedCapabilities(plan));
  return withSides(plan, name.capability, 'repair', async (sides) => {
    const entries = await readUndoneTogether(sides, name, await readEntry(sides, name));
    const corrected = newOperation('undone');
    const tried = await undoAggregate(sides, entries, corrected, options);
    return { operation: corrected.operation, results: [await arrivalOf(sides, tried, arrivalDue())] };
  });
}

/** As `undo`, of everything that one command of an operator has overwritten; what cannot be undone is told and left. */
export async function undoOperation(
  plan: Plan,
  operation: string,
  options: Omit<UndoOptions, 'seen'>,
): Promise<UndoResult> {
  const corrected = newOperation('undone');
  const results: Undone[] = [];
  for (const capability of syncedCapabilities(plan)) {
    const filter = { capabilities: [capability], status: 'settled', user: undefined, cause: undefined } as const;
    const all = await list(plan, { ...filter, operation });
    if (!all.length) continue;
    await withSides(plan, capability, 'repair', async (sides) => {
      const tried: Tried[] = [];
      for (const entries of Map.groupBy(all, ({ aggregate }) => aggregate).values()) {
        tried.push(await triedOn(sides, entries, corrected, { ...options, seen: undefined }));
      }
      const due = arrivalDue(); // of all: what is in the way of one is in the way of many
      for (const one of tried) results.push(await arrivalOf(sides, one, due));
    });
  }
  if (!results.length) {
    throw new Refusal(
      `nothing is kept that operation ${operation} has overwritten; strangler records names operations`,
    );
  }
  return { operation: corrected.operation, results };
}

async function triedOn(
  sides: OpenSides,
  entries: readonly KeptEntry[],
  corrected: CorrectedBy,
  options: UndoOptions,
): Promise<Tried> {
  try {
    return await undoAggregate(sides, entries, corrected, options);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { entries: namesOf(entries), says: error.message };
  }
}

async function arrivalOf(sides: OpenSides, { put, ...tried }: Tried, due: number): Promise<Undone> {
  if (!put) return { ...tried, undone: false, arrived: false };
  return { ...tried, undone: true, arrived: await awaitEqual(sides, otherSide(put.owner), put.all, due) };
}

const namesOf = (entries: readonly KeptEntry[]): string[] => entries.map(({ stream, id }) => sayEntry(stream, id));

async function undoAggregate(
  sides: OpenSides,
  entries: readonly KeptEntry[],
  corrected: CorrectedBy,
  options: UndoOptions,
): Promise<Tried> {
  const { by, reason } = options;
  const undoing = await readUndoing(sides, entries, false);
  refuseChanged(undoing, options);
  const { owner, user, rows } = undoing;
  await writeRecord(sides.sessions.monolith, {
    ...{ capability: sides.capability, event: 'undo', actor: by, reason },
    inputs: {
      ...{ operation: corrected.operation, entries: namesOf(entries), user, owner },
      rows: rows.map(({ table, lost, made }) => ({ table: table.name, from: made, to: lost })),
    },
  });
  const images = await putBack(sides, undoing, corrected, options);
  for (const [stream, some] of Map.groupBy(entries, (entry) => entry.stream)) {
    const direction: Direction = stream.endsWith(':forward') ? 'forward' : 'reverse';
    const ids = some.map(({ id }) => id);
    const session = sides.sessions[keeperOf({ direction })];
    await noteUndone(session, ids, `undone by ${by} (operation ${corrected.operation}): ${reason}`);
  }
  return { entries: namesOf(entries), says: `put back, on the ${owner}`, put: { owner, all: images } };
}

/** Writes the rows in the owner's database, under the owner's authority; a correction carries them to the other side. */
async function putBack(
  sides: OpenSides,
  { entries, owner, user }: Undoing,
  corrected: CorrectedBy,
  options: UndoOptions,
): Promise<readonly RootImage[]> {
  const [session, rows] = [sides.sessions[owner], sides.rows[owner]];
  const stream = streamName(sides.capability, directionInto(owner));
  const provenance = { stream, position: 'strangler undo', transaction: null };
  try {
    return await session.transaction(async () => {
      await holdStream(session, stream);
      const now = await readUndoing(sides, entries, true);
      if (now.owner !== owner) throw new Refusal(`user ${user} was moved meanwhile; try again`);
      refuseChanged(now, options);
      const images = await applyKept(session, rows, now, { provenance, by: overwritingBy(corrected) });
      await correct(session, sides.capability, new Map([[user, images]]), undefined, corrected);
      return images;
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new Refusal(`the ${owner}'s database does not take it: ${(error as Error).message}; nothing has changed`);
  }
}

/** Throws Refusal if the owner's rows are neither what they were made then, nor what somebody has seen them to be. */
function refuseChanged({ entries, changed, seen }: Undoing, options: UndoOptions): void {
  const [first] = namesOf(entries);
  if (options.seen !== undefined) {
    if (options.seen === seen) return;
    throw new Refusal(
      `the rows of ${first} have changed since they were shown; look again: strangler quarantine show ${first}`,
    );
  }
  if (!changed.length) return;
  throw new Refusal(
    `${changed.join(', ')} is not what it was made then: undoing would take away what was written since. Look at it: ` +
      `strangler quarantine show ${first}, and say with --seen what you saw`,
  );
}
