import { byKeyFirst, chunks, nameOf, type Rows } from '../rows/aggregates.ts';
import type { AppliedLate, RootImage } from '../rows/change.ts';
import type { Late } from '../rows/disposition.ts';
import { type Disposed, disposeLate } from './dispose-late.ts';
import { DueImages } from './due-images.ts';
import type { LateChange } from './late-change.ts';

/**
 * What became of one late change that is kept: it was not applied, or in the place of a row of the owner's, or it is
 * rogue. `root` names its aggregate.
 */
export type KeptLate = {
  readonly change: LateChange;
  readonly late: Late;
  readonly root: string;
  readonly disposition: 'superseded' | 'open' | 'applied';
  /** It belongs to a purchase that the owner has under another key. */
  readonly retried: boolean;
  /** What the target’s database said against it. */
  readonly detail?: string;
};

/**
 * What late changes came to: what was kept, and by user the owner's aggregates that the other side must take over, with
 * the late changes that were applied to them.
 */
export type LateOutcome = {
  readonly kept: readonly KeptLate[];
  /** Rows that were new to both sides and took the place of nothing; and what the Plan declares that others write. */
  readonly counts: { readonly born: number; readonly declared: number };
  readonly images: ReadonlyMap<string | null, readonly RootImage[]>;
  readonly applied: ReadonlyMap<string | null, readonly AppliedLate[]>;
};

/**
 * Applies an application's late changes of one source transaction where the owner's rows allow it (docs/how-it-works.md#late-writes). The
 * owner's rows are held meanwhile: what a correction says of them must still be so when it commits.
 */
export async function applyLate(rows: Rows, changes: readonly LateChange[]): Promise<LateOutcome> {
  const kept: KeptLate[] = [];
  const applied: LateChange[] = [];
  const due = new DueImages();
  const disposed = await disposeLate(rows, changes, true);
  const twice = new Set(disposed.filter(isRetried).map(({ aggregate }) => aggregate));
  const counts = { born: 0, declared: 0 };
  for (const { aggregate, change, late, disposition, declared } of disposed) {
    if (disposition === 'apply') applied.push(change);
    const isNew = disposition === 'apply' && !late.current && change.epoch !== null;
    if (declared && disposition !== 'open') counts.declared++;
    else if (isNew) counts.born++;
    else {
      const became = disposition === 'apply' ? 'applied' : disposition;
      const root = nameOf(aggregate.table, aggregate.key);
      kept.push({ change, late, root, disposition: became, retried: twice.has(aggregate) });
    }
    // The monolith has what is declared already, and keeps it.
    if (!(declared && isUpdate(change) && disposition !== 'open')) due.note(aggregate, change, late, disposition);
  }
  await due.noteLeft(
    rows,
    disposed.map(({ change }) => change),
  );
  await write(rows, applied);
  return { kept, counts, ...(await due.read(rows)) };
}

const isUpdate = ({ before, after }: LateChange): boolean => before !== null && after !== null;

/** True of a purchase that a client has made once more, because it did not know that the first one had been taken. */
const isRetried = ({ late, disposition }: Disposed): boolean =>
  disposition === 'superseded' && late.before === null && late.rivals.length > 0;

async function write(rows: Rows, changes: readonly LateChange[]): Promise<void> {
  const byTable = byKeyFirst([...Map.groupBy(changes, (change) => change.table)], ([{ ownId }]) => ownId);
  for (const [table, some] of byTable.toReversed()) {
    const gone = some.flatMap(({ before, after }) => (after ? [] : [before!]));
    for (const chunk of chunks(gone)) await rows.store(table).remove(chunk);
  }
  for (const [table, some] of byTable) {
    const stay = some.flatMap(({ after }) => (after ? [after] : []));
    for (const chunk of chunks(stay)) await rows.store(table).write(chunk);
  }
}
