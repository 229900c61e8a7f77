import type { HeardWrite, SurveyCause, SurveyFinding } from '@strangler/plan';
import { type ChangeExplained, explain, type SurveyedChange, type Suspect } from './explain.ts';
import type { HeardWrites } from './heard-writes.ts';
import type { RowOwner } from './row-owners.ts';
import { type Moment, suspicions } from './suspicion.ts';

/** Samples kept of each finding. */
const SAMPLES = 5;
/** Transactions of one kind of change whose suspects are remembered; of more only the number. */
const MOST_MOMENTS = 20_000;
/** Users remembered of requests and of rows. */
const MOST_USERS = 10_000;
/** Rows remembered that were inserted without a user. */
const MOST_BORN = 50_000;

/** A row that shows a finding, and when, ISO 8601. */
export type SurveySample = { readonly key: string; readonly at: string };

/** A finding with everything a person wants to know of it. */
export type SurveyEvidence = SurveyFinding & {
  /** The request that most likely made it. */
  readonly route?: string;
  readonly samples: readonly SurveySample[];
  /** Of rows that got their user later: how long it took at most, ms. */
  readonly longest?: number;
};

/**
 * Changes that requests of a route explain; of updates, every column that one of them changed. `late`: those that came after
 * the answer, the latest by `longest` ms.
 */
export type ExplainedBy = Pick<SurveyFinding, 'table' | 'op' | 'columns'> & {
  readonly route: string;
  readonly count: number;
  readonly late: number;
  readonly longest: number;
};

/** Requests of a route of the capability that named no user. */
export type RouteWithoutUser = { readonly route: string; readonly count: number; readonly why: string };

/** What a survey has found of one capability. */
export type SurveyResult = {
  readonly capability: string;
  readonly changes: number;
  readonly explained: number;
  readonly unexplained: number;
  /** Changes that some writes are missing for: neither explained nor not. */
  readonly unknown: number;
  readonly tables: Readonly<Record<string, number>>;
  readonly explainedBy: readonly ExplainedBy[];
  readonly findings: readonly SurveyEvidence[];
  readonly withoutUser: readonly RouteWithoutUser[];
  /** If no user of a request was ever the user of a row: one of each. */
  readonly strangers?: { readonly request: string; readonly row: string };
};

type Kind = Pick<SurveyFinding, 'table' | 'op' | 'columns'>;
type Counted = { count: number; readonly samples: SurveySample[]; longest?: number };
type Seen = { changes: number; readonly suspects: readonly Suspect[]; readonly samples: SurveySample[] };
type Group = { readonly kind: Kind; readonly moments: Map<string, Seen>; more: number };
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Adds up what became of the changes of one capability. */
export class SurveyTally {
  readonly #capability: string;
  readonly #tables: Record<string, number>;
  readonly #explained = new Map<string, Mutable<ExplainedBy>>();
  readonly #found = new Map<string, { readonly kind: Kind; readonly cause: SurveyCause } & Counted>();
  readonly #suspected = new Map<string, Group>();
  readonly #born = new Map<string, { readonly kind: Kind; readonly sample: SurveySample; readonly at: number }>();
  readonly #withoutUser = new Map<string, Mutable<RouteWithoutUser>>();
  readonly #askers = new Set<string>();
  readonly #owners = new Set<string>();
  #unknown = 0;

  constructor(capability: string, tables: Iterable<string>) {
    this.#capability = capability;
    this.#tables = Object.fromEntries([...tables].map((table) => [table, 0]));
  }

  /** How many changes there were, and how many are not explained, so far. */
  get counts(): { readonly changes: number; readonly explained: number } {
    const explained = [...this.#explained.values()].reduce((sum, { count }) => sum + count, 0);
    return { changes: Object.values(this.#tables).reduce((sum, count) => sum + count, 0), explained };
  }

  /** Takes in a write that was heard for the first time. */
  heard(write: HeardWrite): void {
    const named = write.users[this.#capability];
    if (write.capability !== this.#capability || write.readOnly || !named) return;
    if ('user' in named) {
      if (this.#askers.size < MOST_USERS) this.#askers.add(named.user);
      return;
    }
    const known = this.#withoutUser.get(write.route) ?? { route: write.route, count: 0, why: named.why };
    known.count++;
    known.why = named.why;
    this.#withoutUser.set(write.route, known);
  }

  /** Takes in a change whose writes have been heard. */
  add(change: SurveyedChange, heard: HeardWrites): void {
    const { table, key, before, after, at } = change;
    this.#tables[table] = (this.#tables[table] ?? 0) + 1;
    for (const owner of [before, after]) this.#note(owner);
    const sample = { key, at: new Date(at.from).toISOString() };
    const row = `${table} ${key}`;
    if (before === undefined && after === 'null' && this.#born.size < MOST_BORN) {
      this.#born.set(row, { kind: kindOf(change), sample, at: at.from });
      return;
    }
    const born = this.#born.get(row);
    if (born && after !== 'null') {
      this.#born.delete(row);
      const cause = after === undefined ? 'no-user' : 'null-first';
      this.#find(born.kind, cause, born.sample, after === undefined ? undefined : at.from - born.at);
    }
    this.#take(change, explain(change, heard), sample);
  }

  /** What was found in `milliseconds`. */
  finish(heard: HeardWrites, milliseconds: number): SurveyResult {
    for (const { kind, sample } of this.#born.values()) this.#find(kind, 'no-user', sample);
    this.#born.clear();
    const findings = [
      ...[...this.#found.values()].map(({ kind, cause, count, samples, longest }) => ({
        ...kind,
        ...{ cause, count, samples, ...(longest !== undefined && { longest }) },
      })),
      ...[...this.#suspected.values()].flatMap((group) => suspectedIn(group, heard, milliseconds)),
    ].sort((a, b) => b.count - a.count);
    const { changes, explained } = this.counts;
    const [request] = this.#askers;
    const [row] = this.#owners;
    const apart = !explained && request !== undefined && row !== undefined && this.#askers.isDisjointFrom(this.#owners);
    return {
      capability: this.#capability,
      ...{ changes, explained, unknown: this.#unknown, tables: this.#tables },
      unexplained: findings.reduce((sum, { count }) => sum + count, 0),
      explainedBy: [...this.#explained.values()].sort((a, b) => b.count - a.count),
      findings,
      withoutUser: [...this.#withoutUser.values()].sort((a, b) => b.count - a.count),
      ...(apart && { strangers: { request, row } }),
    };
  }

  #note(owner: RowOwner | undefined): void {
    if (typeof owner === 'object' && this.#owners.size < MOST_USERS) this.#owners.add(owner.user);
  }

  #take(change: SurveyedChange, why: ChangeExplained, sample: SurveySample): void {
    if (why.kind === 'unknown') this.#unknown++;
    else if (why.kind === 'finding') this.#find(kindOf(change), why.cause, sample);
    else if (why.kind === 'suspects') this.#suspect(change, why.suspects, sample);
    else {
      const { table, op, columns } = change;
      const name = `${table} ${op} ${why.route}`;
      const fresh = { table, op, columns: [], route: why.route, count: 0, late: 0, longest: 0 };
      const known = this.#explained.get(name) ?? fresh;
      known.count++;
      if (columns.some((column) => !known.columns.includes(column)))
        known.columns = [...new Set([...known.columns, ...columns])];
      if (why.late > 0) known.late++;
      known.longest = Math.max(known.longest, why.late);
      this.#explained.set(name, known);
    }
  }

  #find(kind: Kind, cause: SurveyCause, sample: SurveySample, took?: number): void {
    const name = `${cause} ${nameOf(kind)}`;
    const found = this.#found.get(name) ?? { kind, cause, count: 0, samples: [] };
    found.count++;
    if (found.samples.length < SAMPLES) found.samples.push(sample);
    if (took !== undefined) found.longest = Math.max(found.longest ?? 0, took);
    this.#found.set(name, found);
  }

  #suspect(change: SurveyedChange, suspects: readonly Suspect[], sample: SurveySample): void {
    const kind = kindOf(change);
    const group: Group = this.#suspected.get(nameOf(kind)) ?? { kind, moments: new Map(), more: 0 };
    this.#suspected.set(nameOf(kind), group);
    const known = group.moments.get(change.transaction);
    if (known) {
      known.changes++;
      if (known.samples.length < SAMPLES) known.samples.push(sample);
    } else if (group.moments.size < MOST_MOMENTS) {
      group.moments.set(change.transaction, { changes: 1, suspects, samples: [sample] });
    } else group.more++;
  }
}

const kindOf = ({ table, op, columns }: SurveyedChange): Kind => ({ table, op, columns });
const nameOf = ({ table, op, columns }: Kind): string => JSON.stringify([table, op, ...columns]);

function suspectedIn({ kind, moments, more }: Group, heard: HeardWrites, milliseconds: number): SurveyEvidence[] {
  const all = [...moments.values()];
  const found = suspicions(all satisfies Moment[], (route) => heard.useOf(route), milliseconds).map(
    ({ suspect, moments: at }): SurveyEvidence => ({
      ...kind,
      cause: suspect?.relation ?? 'nobody',
      ...(suspect && { route: suspect.route }),
      count: at.reduce((sum, one) => sum + all[one]!.changes, 0),
      samples: at.flatMap((one) => all[one]!.samples).slice(0, SAMPLES),
    }),
  );
  return more ? [...found, { ...kind, cause: 'nobody', count: more, samples: [] }] : found;
}
