import { hasHandoff, type OwnershipRow, ownsAtFirst, readCheckpoint, readOwnership } from '@strangler/ledger';
import { type Direction, streamName } from '@strangler/plan';
import { ApplierAheadError, type Batch } from '../../cdc/apply/apply-steps.ts';
import { type Blocked, isAnythingBlocked, readBlocked } from '../../cdc/apply/blocked.ts';
import { failureOf } from '../../cdc/apply/failures.ts';
import { afterOutcome, type OwnershipHistory } from '../../cdc/apply/ownership-history.ts';
import { changesOf, withUsers } from '../../cdc/apply/prepare.ts';
import type { Target } from '../../cdc/apply/target.ts';
import type { Step as Piece, StreamProgress } from '../../cdc/apply/work.ts';
import type { RowChange } from '../../cdc/log/row-change.ts';
import { type Database, type LogEntry, Working } from './database.ts';
import { Interner } from './interner.ts';
import type { Rules } from './rules.ts';
import { CAPABILITY, GROUP, MAPPING, rowsOf, TABLE_RULES } from './shop.ts';
import { type Applier, endsOf, type Scenario, type Step, type World } from './world.ts';

/** What comes of an applier's turn. */
type Attempt =
  | { readonly is: 'asked'; readonly applier: Applier }
  | { readonly is: 'behind'; readonly barrier: OwnershipRow }
  | { readonly is: 'overtaken' }
  | { readonly is: 'stopped'; readonly why: string }
  | {
      readonly is: 'committed';
      readonly tables: Database['tables'];
      readonly logged: readonly LogEntry[];
      readonly applier: Applier;
      readonly works: readonly Piece['work'][];
    };

/** A piece of work, and how many pieces of its entry are done after it; 0 is all. */
type Placed = Piece & { readonly skip: number };

/** One stream: the appliers that read one side's log and write the other side's rows. */
export class Stream {
  readonly direction: Direction;
  readonly #rules: Rules;
  readonly #scenario: Scenario;
  readonly #interner = new Interner();
  readonly #attempts = new Map<string, Promise<Attempt>>();
  readonly #pieces = new WeakMap<LogEntry, readonly Piece['work'][]>();

  constructor(direction: Direction, rules: Rules, scenario: Scenario) {
    this.direction = direction;
    this.#rules = rules;
    this.#scenario = scenario;
  }

  /** What an entry of the source's log asks of the target: the production reading of it. */
  piecesOf(entry: LogEntry): readonly Piece['work'][] {
    const known = this.#pieces.get(entry);
    if (known) return known;
    const mysql = this.direction === 'forward';
    const rows = entry.rows.map(
      ({ table, before, after }, at): RowChange => ({
        ...{ kind: 'row', table, before, after, transaction: '1', order: at + 1, nativeSign: entry.ours },
        op: before ? (after ? 'u' : 'd') : 'c',
        place: mysql ? { dialect: 'mysql', server: 's', file: 'f.1', pos: 0n } : { dialect: 'postgres', lsn: 0n },
      }),
    );
    const reading = { capability: CAPABILITY, direction: this.direction, mapping: MAPPING };
    const pieces = this.#rules.workOf(reading, { kind: 'transaction', id: '1', rows, position: '-' });
    this.#pieces.set(entry, pieces);
    return pieces;
  }

  /** A freshly started applier: everything it knows is in its target. */
  async start(target: Database): Promise<Applier> {
    const working = this.#open(target);
    const session = working.session();
    const stream = streamName(CAPABILITY, this.direction);
    const { version, kafkaOffset, tick } = await readCheckpoint(session, stream);
    return {
      ...{ version, tick, next: kafkaOffset, skip: 0, decided: [], asked: null },
      history: await readOwnership(session, stream),
      blocked: plain(await readBlocked(session, stream)),
    };
  }

  /** Everything the appliers may do next. */
  async steps(world: World): Promise<Step[]> {
    const { target } = endsOf(this.direction);
    if (target === 'service' && world.serviceIs !== 'up') return [];
    const steps: Step[] = [];
    const appliers = world[this.direction];
    for (const [at, applier] of appliers.entries()) {
      const name = `${this.direction}${appliers.length > 1 ? ` ${at + 1}` : ''}`;
      const replaced = (next: Applier): World => ({ ...world, [this.direction]: appliers.with(at, next) });
      if (world.left.restarts > 0) {
        const fresh = await this.start(world[target]);
        const left = { ...world.left, restarts: world.left.restarts - 1 };
        if (this.#interner.id(fresh) !== this.#interner.id(applier))
          steps.push({ label: `${name}: the applier is killed and starts again`, next: { ...replaced(fresh), left } });
      }
      for (const count of this.#counts(world, applier)) {
        const step = await this.#advance(world, applier, count, name, replaced);
        if (step) steps.push(step);
      }
    }
    return steps;
  }

  /** How many entries an applier may take at once: one, or all up to the next that must be applied by itself. */
  #counts(world: World, applier: Applier): number[] {
    if (applier.asked) return [applier.asked.entries];
    const { source } = endsOf(this.direction);
    const { log, first } = world[source];
    const ahead = log.slice(applier.next - first);
    if (!ahead.length) return [];
    if (!this.#scenario.batches) return [1];
    const alone = ahead.findIndex((entry) => this.piecesOf(entry).some(({ kind }) => kind !== 'changes'));
    const most = alone < 0 ? ahead.length : alone + 1;
    return most > 1 ? [1, most] : [1];
  }

  async #advance(
    world: World,
    applier: Applier,
    count: number,
    name: string,
    replaced: (next: Applier) => World,
  ): Promise<Step | undefined> {
    const { source, target } = endsOf(this.direction);
    const { log, first } = world[source];
    const entries = log.slice(applier.next - first, applier.next - first + count);
    const { tables } = world[target];
    const key = `${this.#interner.id(tables)} ${this.#interner.id(applier)} ${this.#interner.ids(entries)}`;
    const found = this.#attempts.get(key) ?? this.#attempt(tables, applier, entries).catch(stopped);
    this.#attempts.set(key, found);
    const result = await found;
    if (result.is === 'stopped') return { label: `${name}: stops at ${say(entries)}`, next: world, stops: result.why };
    if (result.is === 'behind') return this.#decide(world, applier, result.barrier, name, replaced);
    if (result.is === 'asked')
      return { label: `${name}: looks up whose ${say(entries)} are`, next: replaced(result.applier) };
    if (result.is === 'overtaken') {
      const label = `${name}: another applier is ahead; starts again`;
      return { label, next: replaced(await this.start(world[target])) };
    }
    const next = replaced(result.applier);
    const database = next[target];
    const written = { ...database, tables: result.tables, log: [...database.log, ...result.logged] };
    return {
      label: `${name}: applies ${say(entries)}`,
      next: { ...next, [target]: written },
      applied: { direction: this.direction, works: result.works, ahead: log.slice(applier.next - first) },
    };
  }

  /** What comes of an applier's turn: a function of its target, its memory and what it reads. */
  async #attempt(tables: Database['tables'], applier: Applier, entries: readonly LogEntry[]): Promise<Attempt> {
    const { pieces, end } = this.#pieceSteps(entries, applier);
    const working = this.#open({ tables, first: 0, log: [] });
    const session = this.#rules.between.session(working.session(), this.direction);
    const rows = this.#rules.between.rows(rowsOf(working));
    const history = this.#history(applier.history);
    const blocked: Blocked = { users: new Set(applier.blocked.users), disputed: new Set(applier.blocked.disputed) };
    const everybody = history.needsNoUsers && !isAnythingBlocked(blocked);
    let users = applier.asked?.users.map((all) => all || undefined);
    if (!everybody && !users) {
      users = await this.#rules.usersOf(pieces.flatMap(changesOf), rows);
      if (this.#scenario.gaps)
        return {
          is: 'asked',
          applier: {
            ...applier,
            asked: { entries: entries.length, users: users.map((all) => all ?? false) },
          },
        };
    }
    const prepared = users ? this.#rules.prepareSteps(pieces, users, history) : this.#rules.prepareUnasked(pieces);
    const { ready, barrier } = this.#rules.untilUndecided(prepared);
    if (!ready.length && barrier) return { is: 'behind', barrier };
    const ownership = this.#rules.ownershipAfter(ready, applier.decided, history);
    const target = {
      ...{ stream: streamName(CAPABILITY, this.direction), capability: CAPABILITY },
      ...{ session, rows, history, blocked },
    };
    const { progress, skip } = (ready.at(-1)?.step as Placed | undefined) ?? { progress: end, skip: 0 };
    const batch = { version: applier.version, prepared: ready, ownership, progress, carefully: false };
    let after: Blocked;
    try {
      after = await this.#rules.applySteps(target, batch);
    } catch (error) {
      if (error instanceof ApplierAheadError) return { is: 'overtaken' };
      if (failureOf(error) !== 'row') throw error;
      after = await this.#carefully(target, batch);
    }
    for (const row of ownership) history.record(row);
    const epochs = [...new Set([...applier.history, ...ownership].map(({ epoch }) => epoch))].sort((a, b) => a - b);
    return {
      is: 'committed',
      tables: working.database.tables,
      logged: working.database.log,
      works: ready.map(({ step }) => step.work),
      applier: {
        version: applier.version + 1,
        next: progress.kafkaOffset,
        skip,
        tick: progress.tick,
        history: epochs.map((epoch) => history.at(epoch)!),
        decided: [],
        blocked: plain(after),
        asked: null,
      },
    };
  }

  /** The same again, row by row, because one of them does not fit. */
  async #carefully(target: Target, batch: Batch) {
    const changes = batch.prepared.flatMap((one) => one.changes);
    const users = await this.#rules.usersOf(changes, target.rows);
    return this.#rules.applySteps(target, { ...batch, prepared: withUsers(batch.prepared, users), carefully: true });
  }

  /** The pieces not done yet, each with where the stream is after it, as the pump counts it. */
  #pieceSteps(
    entries: readonly LogEntry[],
    applier: Applier,
  ): { readonly pieces: Placed[]; readonly end: StreamProgress } {
    const { next, skip } = applier;
    let { tick } = applier;
    const pieces = entries.flatMap((entry, at) => {
      const all = this.piecesOf(entry);
      for (const work of all) if (work.kind === 'tick') tick = work.n;
      const works = all.filter(({ kind }) => kind !== 'tick');
      return works.map((work, nth): Placed => {
        const last = nth === works.length - 1;
        const kafkaOffset = next + at + (last ? 1 : 0);
        return { work, progress: { position: null, kafkaOffset, tick }, skip: last ? 0 : nth + 1 };
      });
    });
    return { pieces: pieces.slice(skip), end: { position: null, kafkaOffset: next + entries.length, tick } };
  }

  #history(rows: readonly OwnershipRow[]): OwnershipHistory {
    return new this.#rules.History(GROUP, ownsAtFirst(this.direction), rows);
  }

  #open(target: Database): Working {
    return new Working(this.direction === 'forward' ? 'postgres' : 'mysql', TABLE_RULES, target);
  }

  /** Behind a barrier: the grant in the target, or the cancel in the source; or force has decided. */
  async #decide(
    world: World,
    applier: Applier,
    barrier: OwnershipRow,
    name: string,
    replaced: (next: Applier) => World,
  ): Promise<Step | undefined> {
    const { source, target } = endsOf(this.direction);
    const { epoch } = barrier;
    const stream = streamName(CAPABILITY, this.direction);
    if ((await readCheckpoint(this.#open(world[target]).session(), stream)).version !== applier.version) {
      return { label: `${name}: sees that force has decided`, next: replaced(await this.start(world[target])) };
    }
    const granted = await hasHandoff(this.#open(world[target]).session(), CAPABILITY, epoch, 'grant');
    const answers = source === 'monolith' || world.serviceIs === 'up';
    const cancelled = answers && (await hasHandoff(this.#open(world[source]).session(), CAPABILITY, epoch, 'cancel'));
    if (!granted && !cancelled) return undefined;
    const decided = afterOutcome(barrier, granted);
    const history = applier.history.map((row) => (row.epoch === epoch ? decided : row));
    return {
      label: `${name}: learns that handoff ${epoch} was ${granted ? 'granted' : 'cancelled'}`,
      next: replaced({ ...applier, history, decided: [...applier.decided, decided], asked: null }),
    };
  }
}

/** What is blocked, as plain data. */
const plain = ({ users, disputed }: Blocked): Applier['blocked'] => ({
  users: [...users].sort(),
  disputed: [...disputed].sort(),
});

/** Whatever else a stream throws, it stops at. */
const stopped = (error: Error): Attempt => ({ is: 'stopped', why: `${error.name}: ${error.message}` });

/** Log entries in a few words. */
export function say(entries: readonly LogEntry[]): string {
  return entries
    .map(({ rows }) =>
      rows
        .filter(({ table }) => table !== 'strangler_checkpoint')
        .map(sayRow)
        .join(' + '),
    )
    .join('; ');
}

function sayRow({ table, before, after }: LogEntry['rows'][number]): string {
  const row = (after ?? before)!;
  if (table === 'strangler_handoff') return `${row.kind} ${row.epoch}`;
  if (table === 'strangler_correction') return 'a correction';
  const what = before ? (after ? 'changed' : 'deleted') : 'new';
  const { id: _, ...told } = row;
  return `${table} ${row.id} ${what} (${Object.values(told).join(' ')})`;
}
