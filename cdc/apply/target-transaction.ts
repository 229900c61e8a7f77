import { addToCauses } from '@strangler/ledger';
import { COUNTED_ONLY } from '@strangler/plan';
import type { Mapping, Row } from '../mapping/mapping.ts';
import { changesTo, imagesOf, nameOf, type Root } from '../rows/aggregates.ts';
import type { Change, Correction, RootImage } from '../rows/change.ts';
import { applyAndKeep, type Writing } from './apply-and-keep.ts';
import { applyLate, type LateOutcome } from './apply-late.ts';
import { rootsAsFarAsKnown } from './as-far-as-known.ts';
import { changesBehind } from './behind.ts';
import { type Blocked, tellBehind } from './blocked.ts';
import { answerTo, answerToUnknown, byUser, correct, withoutStanding } from './corrections.ts';
import { Isolation } from './isolate.ts';
import { type Aggregate, groupByRoot, type LateChange } from './late-change.ts';
import { LateRows } from './late-rows.ts';
import { OrphanWatch } from './orphan-watch.ts';
import { BY_COPY, BY_OWNER, overwritingOf, withKept } from './overwritten.ts';
import { isOfSharedInserts, type OwnedChange, type Prepared } from './prepare.ts';
import { changedHands, type Inapplicable, keepInapplicable, keepLate, type Provenance } from './quarantine-rows.ts';
import { refuseLate } from './refuse-late.ts';
import type { Target } from './target.ts';
import type { StreamProgress, Work } from './work.ts';

/** Takes late changes of one source transaction. */
export type TakeLate = (late: readonly OwnedChange[], provenance: Provenance) => Promise<void>;

type CorrectionWork = Extract<Work, { kind: 'correction' }>;

/** A change of the owner's, or of a correction, that waits to be applied together with others. */
type Pending = Writing & { readonly change: OwnedChange };

/** What one target transaction does, a step at a time. */
export class TargetTransaction {
  readonly #target: Target;
  readonly #blocked: Set<string>;
  readonly #disputed: Set<string>;
  readonly #carefully: boolean;
  readonly #takeLate: TakeLate;
  readonly #isolation: Isolation;
  /** True if what is taken at once may be a part of one source transaction. */
  readonly #isPart: boolean;
  readonly #lateRows = new LateRows();
  /** Rows that were referred to and are here by now. */
  readonly #referred = new Set<string>();
  readonly orphans: OrphanWatch;
  #pending: Pending[] = [];

  /** `takeLate`: what to do with late changes, instead of applying them at once. */
  constructor(target: Target, { users, disputed }: Blocked, carefully: boolean, takeLate?: TakeLate) {
    this.#target = target;
    this.#blocked = new Set(users);
    this.#disputed = new Set(disputed);
    this.#carefully = carefully;
    this.#isolation = new Isolation(target.session, target.unexplained);
    this.orphans = new OrphanWatch(target, carefully ? this.#isolation : undefined);
    this.#isPart = takeLate !== undefined;
    this.#takeLate = takeLate ?? ((late, provenance) => this.applyLate(late, provenance));
  }

  /** What waits for a person by now. */
  get blocked(): Blocked {
    return { users: this.#blocked, disputed: this.#disputed };
  }

  async take({ step, changes, senderOwns }: Prepared): Promise<void> {
    const { work, progress } = step;
    const provenance = provenanceOf(this.#target.stream, work, progress);
    this.orphans.since(provenance);
    if (work.kind === 'correction') {
      await this.flush();
      return this.#takeCorrection(work, progress, senderOwns);
    }
    if (work.kind === 'referred') {
      const { rows } = this.#target;
      const add = (some: readonly Row[]) => rows.store(work.table).add(some);
      const fresh = work.rows.filter((row) => !this.#referred.has(nameOf(work.table, row)));
      for (const row of fresh) this.#referred.add(nameOf(work.table, row));
      // One that the target refuses is told of by what refers to it.
      return this.#carefully ? this.#isolation.each(fresh, add, async () => {}) : add(fresh);
    }
    const by = work.kind === 'copy' ? BY_COPY : BY_OWNER;
    const writings = changes.map((change) => ({ change, provenance, by }));
    const told = tellBehind(writings, this.#blocked);
    await this.#keepBehind(told.behind);
    for (const user of told.users) this.#blocked.add(user);
    const free = told.free.map(({ change }) => change);
    if (!this.#isPart) this.#lateRows.clear();
    const { owned, late } = this.#lateRows.tellApart(free, await this.#disputedOf(free));
    for (const change of owned) this.#pending.push({ change, provenance, by });
    if (!late.length || work.kind === 'copy') return;
    await this.flush();
    await this.#takeLate(late, provenance);
  }

  /** Those of these changes that belong to a disputed aggregate: whatever its source writes to it is late. */
  async #disputedOf(changes: readonly OwnedChange[]): Promise<Set<OwnedChange>> {
    if (!this.#disputed.size) return new Set();
    const roots = await this.#rootsOf(changes);
    return new Set(changes.filter((_, at) => this.#disputed.has(nameOf(roots[at]!.table, roots[at]!.key))));
  }

  async #takeCorrection(work: CorrectionWork, progress: StreamProgress, senderOwns: boolean | undefined) {
    if (senderOwns === undefined) return this.#reconcile(work, progress);
    const isSenders = senderOwns || isOfSharedInserts(work.correction, this.#target.rows.mapping);
    if (!isSenders) return this.#answer(work, progress);
    const { user, roots } = work.correction;
    const isDisputed = ({ table, key }: RootImage) =>
      this.#disputed.has(nameOf(this.#target.rows.mapping.get(table)!, key));
    const about = (some: readonly RootImage[]) => ({ ...work, correction: { user, roots: some, late: [] } });
    const disputed = roots.filter(isDisputed);
    if (disputed.length) await this.#answer(about(disputed), progress);
    const free = disputed.length ? about(roots.filter((root) => !isDisputed(root))) : work;
    return this.#blocked.has(user!) ? this.#correctBehind(free, progress) : this.#overwrite(free, progress);
  }

  /** Applies late changes of one source transaction as far as the owner's rows allow it, and the target takes them. */
  async applyLate(late: readonly LateChange[], provenance: Provenance): Promise<void> {
    const { unexplained } = this.#target;
    const rows = this.orphans.watched(true);
    const together = async (changes: readonly LateChange[]) => {
      await this.#conclude(await applyLate(rows, changes), provenance);
      unexplained?.taken();
    };
    if (!this.#carefully) return together(late);
    await this.#isolation.each(
      groupByRoot(await this.#rootsOf(late), late),
      (some) => together(some.flatMap(({ changes }) => changes)),
      async (aggregate, { message }) =>
        this.#conclude(refuseLate(aggregate, await this.#imageOf(aggregate), message), provenance),
    );
  }

  /** The owner’s aggregate. A key that the target cannot even be asked for is the key of nothing there. */
  async #imageOf({ table, key }: Aggregate): Promise<RootImage> {
    let image: RootImage | undefined;
    await this.#isolation.attempt(async () => {
      [image] = await imagesOf(this.#target.rows, table, [key], true);
    });
    return image ?? { table: table.name, key, row: null, children: [] };
  }

  async #conclude({ kept, counts, images, applied }: LateOutcome, provenance: Provenance): Promise<void> {
    const { session, capability, rows, stream } = this.#target;
    await keepLate(session, kept, provenance);
    for (const one of kept) if (one.disposition === 'open' && changedHands(one)) this.#disputed.add(one.root);
    const tallies = COUNTED_ONLY.map((cause) => ({ stream, cause, rows: counts[cause] }));
    await addToCauses(
      session,
      tallies.filter((one) => one.rows > 0),
    );
    await correct(session, capability, withKept(images, rows.mapping, kept), applied);
  }

  #rootsOf(changes: readonly Change[]): Promise<Root[]> {
    return rootsAsFarAsKnown(changes, this.#target.rows, (question) => this.#isolation.attempt(question));
  }

  /** Applies the owner's changes that have gathered. */
  async flush(): Promise<void> {
    const pending = this.#pending.splice(0);
    if (this.#carefully) await this.#applyCarefully(pending);
    else if (pending.length) await this.#applyTogether(pending);
  }

  async #applyTogether(pending: readonly Pending[]): Promise<void> {
    const { session, unexplained } = this.#target;
    const rows = this.orphans.rowsFor(pending.at(-1)!.by);
    await applyAndKeep(session, rows, pending, (changes) => this.#rootsOf(changes));
    unexplained?.taken();
  }

  /** What the target does not take is kept, with everything after it for the same user. */
  #applyCarefully(all: readonly Pending[]): Promise<void> {
    return this.#isolation.each(
      all,
      async (some) => {
        const { behind, free, users } = tellBehind(some, this.#blocked);
        await this.#keepBehind(behind);
        if (free.length) await this.#applyTogether(free);
        for (const user of users) this.#blocked.add(user);
      },
      async (one, { message }) => {
        if (one.change.user) this.#blocked.add(one.change.user); // rows of nobody have no order among them
        await this.#keep([{ ...one, cause: 'inapplicable', detail: message }]);
      },
    );
  }

  /** Does something with each aggregate of a correction; what the target does not take is kept as rows of the sender. */
  #eachRoot(
    work: CorrectionWork,
    provenance: Provenance,
    apply: (roots: readonly RootImage[]) => Promise<void>,
  ): Promise<void> {
    const { user, roots } = work.correction;
    if (!this.#carefully) return apply(roots);
    return this.#isolation.each(roots, apply, async (root, { message }) => {
      if (user) this.#blocked.add(user);
      const changes = changesOfRoot(this.#target.rows.mapping, root);
      await this.#keep(
        changes.map((change) => ({ change: { ...change, user }, cause: 'inapplicable', provenance, detail: message })),
      );
    });
  }

  /** The owner's aggregates take the place of what is here. */
  #overwrite(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const provenance = provenanceOf(this.#target.stream, work, progress);
    return this.#eachRoot(work, provenance, (roots) => this.#replace(roots, work.correction, provenance));
  }

  /** What was kept of the user is older: applied at another try, it would undo the owner's aggregates if they were here. */
  #correctBehind(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, stream, rows } = this.#target;
    const provenance = provenanceOf(stream, work, progress);
    const { user } = work.correction;
    return this.#eachRoot(work, provenance, async (roots) => {
      const changes = await changesBehind(session, stream, rows, roots);
      await this.#keepBehind(
        changes.map((change) => ({ change: { ...change, user, owns: true, epoch: null }, provenance, by: BY_OWNER })),
      );
    });
  }

  async #replace(roots: readonly RootImage[], correction: Correction, provenance: Provenance): Promise<void> {
    const by = overwritingOf(correction);
    const changes = await changesTo(this.#target.rows, roots);
    for (const change of changes)
      this.#pending.push({ change: { ...change, user: correction.user, owns: true, epoch: null }, provenance, by });
    await this.flush();
  }

  /** The sender has no such aggregates. Where there are none here either, nothing is left below; else this side’s are sent. */
  #reconcile(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, capability, rows } = this.#target;
    const provenance = provenanceOf(this.#target.stream, work, progress);
    return this.#eachRoot(work, provenance, async (roots) => {
      const { gone, images } = await answerToUnknown(rows, { ...work.correction, roots });
      await this.#replace(gone, work.correction, provenance);
      await correct(session, capability, images);
    });
  }

  /**
   * The sender does not own any more. What it applied late, it applied to rows that no stream carried on: decided again
   * here, where the owner is. Then it hears what the owner has.
   */
  async #answer(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, capability, rows, stream, history } = this.#target;
    const { correction } = work;
    const { user } = correction;
    const provenance = provenanceOf(stream, work, progress);
    const late = correction.late.map(
      ({ table, ...change }): LateChange => ({ ...change, user, table: rows.mapping.get(table)! }),
    );
    const doubtful = await withoutStanding(rows, late);
    if (doubtful.length) await this.applyLate(doubtful, provenance);
    await this.#eachRoot(work, provenance, async (roots) => {
      const answers = await byUser(rows, await answerTo(rows, { ...correction, roots }), user);
      for (const [of, images] of answers) {
        // They may have been let in while the sender owned everybody, and have lost their parents here since.
        this.orphans.doubt(images);
        if (of === null || !history.standing(of).owns) await correct(session, capability, new Map([[of, images]]));
        else await this.#keepCrossed(images, roots, user, provenance);
      }
    });
  }

  /** What is here is of a user of the sender’s, and what it has there of a user of this side’s: a person decides. */
  async #keepCrossed(
    images: readonly RootImage[],
    sent: readonly RootImage[],
    user: string | null,
    provenance: Provenance,
  ): Promise<void> {
    const { rows, session, capability } = this.#target;
    for (const image of images) {
      const table = rows.mapping.get(image.table)!;
      const root = nameOf(table, image.key);
      const theirs = sent.find((one) => one.table === image.table && nameOf(table, one.key) === root)?.row;
      if (!theirs) await correct(session, capability, await byUser(rows, [image], user));
      else {
        const change = { table, before: null, after: theirs, user, epoch: null };
        const late = { before: null, after: theirs, current: image.row, rivals: [] };
        await keepLate(session, [{ change, late, root, disposition: 'open', retried: false }], provenance);
        this.#disputed.add(root);
      }
    }
  }

  #keepBehind(pending: readonly Pending[]): Promise<void> {
    return this.#keep(pending.map((one) => ({ ...one, cause: 'behind-inapplicable', detail: null })));
  }

  async #keep(all: readonly Inapplicable[]): Promise<void> {
    if (!all.length) return;
    const roots = await this.#rootsOf(all.map(({ change }) => change));
    await keepInapplicable(this.#target.session, roots, all);
  }
}

/** The rows of an aggregate as its owner has it, or the absence of its root. */
function changesOfRoot(mapping: Mapping, { table, key, row, children }: RootImage): Change[] {
  const root = mapping.get(table)!;
  if (!row) return [{ table: root, before: key, after: null }];
  const below = children.map((child) => ({ table: mapping.get(child.table)!, before: null, after: child.row }));
  return [{ table: root, before: null, after: row }, ...below];
}

export function provenanceOf(stream: string, work: Work, progress: StreamProgress): Provenance {
  if (work.kind === 'changes') return { stream, position: work.position, transaction: work.transaction };
  const position = work.kind === 'correction' ? work.position : progress.position;
  return { stream, position: position ?? `offset ${progress.kafkaOffset}`, transaction: null };
}
