import { randomUUID } from 'node:crypto';
import {
  claimCheckpoint,
  moveCheckpoint,
  type OwnershipRow,
  type QuarantineEntry,
  quarantine,
  type Session,
  writeCorrection,
  writeOwnership,
} from '@strangler/ledger';
import { applyImages, imageOf, keyRow, type Rows, rivalsOf } from './aggregates.ts';
import { applyLate } from './apply-late.ts';
import { applyOwned } from './apply-owned.ts';
import { failureOf } from './failures.ts';
import { keyOf, type MappedTable, type Row } from './mapping.ts';
import type { OwnedChange, Prepared } from './prepare.ts';
import type { Correction, Progress, RootImage } from './steps.ts';

/** Another applier of this stream has moved the checkpoint: this one must stop. */
export class ApplierAheadError extends Error {
  constructor(stream: string) {
    super(`another applier of ${stream} is ahead; stop one of the two`);
    this.name = 'ApplierAheadError';
  }
}

/** What one target transaction does. */
export type Target = {
  readonly stream: string;
  readonly capability: string;
  readonly session: Session;
  readonly rows: Rows;
  /** Users whose rows are kept because an earlier one could not be applied. */
  readonly blocked: ReadonlySet<string>;
};

/**
 * Applies steps in one transaction: first the claim of the checkpoint, last its new place (design.md §5). With
 * `carefully`, changes go one by one and those that cannot be applied are kept aside. Gives the users blocked by that.
 */
export async function applySteps(
  target: Target,
  version: number,
  prepared: readonly Prepared[],
  ownership: readonly OwnershipRow[],
  progress: Progress,
  carefully: boolean,
): Promise<string[]> {
  const { session, stream } = target;
  return session.transaction(async () => {
    if (!(await claimCheckpoint(session, stream, version))) throw new ApplierAheadError(stream);
    const blocked = new Set(target.blocked);
    const pending: { change: OwnedChange; position: string }[] = [];
    const flush = async () => {
      const changes = pending.splice(0);
      if (carefully) for (const one of changes) await applyCarefully(target, one.change, one.position, blocked);
      else if (changes.length)
        await applyTogether(
          target,
          changes.map(({ change }) => change),
          positionOf(progress),
        );
    };
    for (const { step, changes, senderOwns } of prepared) {
      const { work } = step;
      if (work.kind === 'changes' || work.kind === 'copy') {
        const position = work.kind === 'changes' ? work.position : positionOf(step.progress);
        const late: OwnedChange[] = [];
        for (const change of changes) {
          if (change.user !== null && blocked.has(change.user))
            await keep(target, change, 'behind-inapplicable', position);
          else if (change.owns) pending.push({ change, position });
          else if (work.kind === 'changes') late.push(change);
        }
        if (late.length) {
          await flush();
          await keepLate(target, late, position);
        }
      } else if (work.kind === 'correction') {
        await flush();
        await applyCorrection(target, work.correction, senderOwns);
      }
    }
    await flush();
    for (const row of ownership) await writeOwnership(session, stream, row);
    await moveCheckpoint(session, stream, progress);
    return [...blocked].filter((user) => !target.blocked.has(user));
  });
}

const positionOf = (progress: Progress): string => progress.position ?? `offset ${progress.kafkaOffset}`;

async function applyTogether(target: Target, changes: readonly OwnedChange[], position: string): Promise<void> {
  for (const { table, row, winner } of await applyOwned(target.rows, changes)) {
    await keepEntry(target, table, row, {
      status: 'settled',
      reason: 'superseded',
      user: userOf(table, row),
      before: null,
      after: JSON.stringify(row),
      owner: JSON.stringify(winner),
      position,
      resolution: 'deleted: the owner has another row for the same thing',
    });
  }
}

async function applyCarefully(
  target: Target,
  change: OwnedChange,
  position: string,
  blocked: Set<string>,
): Promise<void> {
  const { session } = target;
  if (change.user !== null && blocked.has(change.user)) return keep(target, change, 'behind-inapplicable', position);
  await session.query('SAVEPOINT one_change');
  try {
    await applyTogether(target, [change], position);
    await session.query('RELEASE SAVEPOINT one_change');
  } catch (error) {
    if (failureOf(error) !== 'row') throw error;
    await session.query('ROLLBACK TO SAVEPOINT one_change');
    if (change.user !== null) blocked.add(change.user);
    await keep(target, change, 'inapplicable', `${position}: ${(error as Error).message}`);
  }
}

async function keep(target: Target, change: OwnedChange, reason: string, position: string): Promise<void> {
  await keepEntry(target, change.table, (change.after ?? change.before)!, {
    status: 'open',
    reason,
    user: change.user,
    before: change.before && JSON.stringify(change.before),
    after: change.after && JSON.stringify(change.after),
    owner: null,
    position,
    resolution: null,
  });
}

async function keepLate(target: Target, changes: readonly OwnedChange[], position: string): Promise<void> {
  const { kept, roots } = await applyLate(target.rows, changes);
  for (const { table, late, disposition } of kept) {
    const row = (late.after ?? late.before)!;
    const source = changes.find(
      (change) => change.table === table && keyOf(table, (change.after ?? change.before)!) === keyOf(table, row),
    );
    const settled = disposition === 'superseded';
    const owner = late.rivals[0] ?? late.current;
    await keepEntry(target, table, row, {
      status: settled ? 'settled' : 'open',
      reason: settled ? 'superseded' : source?.handedOver ? 'late-write' : 'rogue-write',
      user: source?.user ?? null,
      before: late.before && JSON.stringify(late.before),
      after: late.after && JSON.stringify(late.after),
      owner: owner && JSON.stringify(owner),
      position,
      resolution: settled ? 'the owner’s row holds' : null,
    });
  }
  if (roots.length) await correct(target, { user: changes[0]!.user ?? '', roots });
}

async function applyCorrection(target: Target, correction: Correction, senderOwns: boolean): Promise<void> {
  if (senderOwns) return applyImages(target.rows, correction);
  const { rows } = target;
  const answers = new Map<string, RootImage>();
  let differs = false;
  for (const root of correction.roots) {
    const table = rows.mapping.get(root.table)!;
    const own = await imageOf(rows, table, root.key);
    answers.set(`${table.name} ${keyOf(table, root.key)}`, own);
    differs ||= sayRoot(own) !== sayRoot(root);
    for (const rival of root.row ? await rivalsOf(rows, table, root.row) : []) {
      answers.set(`${table.name} ${keyOf(table, rival)}`, await imageOf(rows, table, keyRow(table, rival)));
      differs = true;
    }
  }
  if (differs) await correct(target, { user: correction.user, roots: [...answers.values()] });
}

/** Equal texts for equal aggregates: rows have their columns in the mapping's order on both sides. */
const sayRoot = ({ row, children }: RootImage): string =>
  JSON.stringify([row, children.map((child) => JSON.stringify(child)).sort()]);

const correct = (target: Target, correction: Correction): Promise<void> =>
  writeCorrection(target.session, {
    id: randomUUID(),
    capability: target.capability,
    images: JSON.stringify(correction),
  });

const userOf = (table: MappedTable, row: Row): string | null =>
  'column' in table.user ? (row[table.user.column] ?? null) : null;

function keepEntry(
  target: Target,
  table: MappedTable,
  row: Row,
  entry: Omit<QuarantineEntry, 'stream' | 'table' | 'key'>,
): Promise<void> {
  return quarantine(target.session, { stream: target.stream, table: table.name, key: keyOf(table, row), ...entry });
}
