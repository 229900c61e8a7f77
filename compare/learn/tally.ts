import { createHash } from 'node:crypto';
import { isAgreed, RESULT_KINDS, type Result, type ResultKind } from '../engine/compare-replies.ts';
import { bySeverity, type DifferenceKind, type Severity } from '../engine/difference.ts';
import { instantOf, numericOf } from '../engine/leaf.ts';
import { ExactNumber } from '../reply/json.ts';
import { sampledValue } from './excuses.ts';

/** One compared pair of replies. */
export interface Compared {
  /** The same for all requests to one endpoint: `GET /orders/{id}`. */
  readonly route: string;
  readonly result: Result;
  /** Leads a reader to the pair: an id, a position in a recording, a case's name. */
  readonly at?: string;
}

export interface DifferenceSample {
  readonly at?: string | undefined;
  /** The exact place. */
  readonly place: string;
  readonly old?: string | undefined;
  readonly new?: string | undefined;
}

/** Like differences of one endpoint: the same kind at the same path. */
export interface Group {
  /** Six letters and digits made of endpoint, kind and path: the same in every report. */
  readonly id: string;
  readonly route: string;
  readonly kind: DifferenceKind;
  readonly path: string;
  readonly severity: Severity;
  /** Pairs of replies it was found in. */
  readonly pairs: number;
  /** How often in all; one reply may have it in every element of a list. */
  readonly differences: number;
  /** The only place it was found at; undefined if there are several. */
  readonly place?: string | undefined;
  /** A few, each of the pairs equally likely among them. */
  readonly samples: readonly DifferenceSample[];
  /** The smallest and greatest number on either side, if all were numbers. */
  readonly numbers?: { readonly minimum: number; readonly maximum: number } | undefined;
  /** How far apart two timestamps were at most, if all were timestamps. */
  readonly milliseconds?: number | undefined;
}

export interface RouteTally {
  readonly route: string;
  readonly counts: Readonly<Record<ResultKind, number>>;
  /** Equal, equal by rule and mismatches: what a rate may be made of. */
  readonly comparable: number;
  readonly mismatches: number;
  /** Mismatches of the comparable; undefined of none. */
  readonly rate?: number | undefined;
}

/** Plain data: what a Tally is kept and sent as. */
export interface TallyReport {
  readonly routes: readonly RouteTally[];
  /** Most severe first, then most frequent. */
  readonly groups: readonly Group[];
  /** Differences in no group, because there were too many groups. */
  readonly ungrouped: number;
}

export interface TallyOptions {
  /** Samples kept of each group (5). */
  readonly samples?: number;
  /** Groups kept (2,000), so that no document can make this grow. */
  readonly groups?: number;
  /** Endpoints kept (1,000), so that no client can; what belongs to others is counted as OTHER_ROUTES. */
  readonly routes?: number;
  /** 0 to 1; decides which samples are kept. */
  readonly random?: () => number;
}

/** Where endpoints are counted for which there was no room. */
export const OTHER_ROUTES = '(other endpoints)';

type Counts = Record<ResultKind, number>;
type Growing = { -readonly [K in keyof Group]: Group[K] } & { samples: DifferenceSample[] };
type GroupKey = Pick<Group, 'route' | 'kind' | 'path' | 'severity'>;

/** What a group is called. */
export const groupId = (route: string, kind: DifferenceKind, path: string): string =>
  createHash('sha256')
    .update(keyOf(route, kind, path))
    .digest('hex')
    .slice(0, 6);
const keyOf = (route: string, kind: DifferenceKind, path: string) => `${route} ${kind} ${path}`;

/** Counts results by endpoint, and groups their differences by endpoint, path and kind. */
export class Tally {
  readonly #routes = new Map<string, Counts>();
  readonly #groups = new Map<string, Growing>();
  readonly #samples: number;
  readonly #mostGroups: number;
  readonly #mostRoutes: number;
  readonly #random: () => number;
  #ungrouped = 0;

  constructor({ samples = 5, groups = 2000, routes = 1000, random = Math.random }: TallyOptions = {}) {
    this.#samples = samples;
    this.#mostGroups = groups;
    this.#mostRoutes = routes;
    this.#random = random;
  }

  add({ route: asked, result, at }: Compared): void {
    const route = this.#count(asked, { [result.kind]: 1 });
    const met = new Set<Growing>();
    for (const difference of result.differences) {
      const group = this.#groupOf({ ...difference, route });
      if (!group) {
        this.#ungrouped++;
        continue;
      }
      widen(group, difference);
      group.place = group.differences === 0 || group.place === difference.at ? difference.at : undefined;
      group.differences++;
      if (met.has(group)) continue;
      met.add(group);
      group.pairs++;
      this.#keep(group, { at, place: difference.at, old: difference.old, new: difference.new });
    }
  }

  /** Takes in what another tally has counted. */
  merge({ routes, groups, ungrouped }: TallyReport): void {
    for (const { route, counts } of routes) this.#count(route, counts);
    this.#ungrouped += ungrouped;
    for (const other of groups) {
      const route = this.#routes.has(other.route) ? other.route : OTHER_ROUTES;
      const group = this.#groupOf({ ...other, route });
      if (!group) {
        this.#ungrouped += other.differences;
        continue;
      }
      const first = group.differences === 0;
      group.place = first || group.place === other.place ? other.place : undefined;
      group.numbers = first ? other.numbers : group.numbers && other.numbers && spanOf(group.numbers, other.numbers);
      group.milliseconds = first ? other.milliseconds : greater(group.milliseconds, other.milliseconds);
      group.differences += other.differences;
      group.pairs += other.pairs;
      for (const sample of other.samples) this.#keep(group, sample);
    }
  }

  /** What the report will say of each endpoint. */
  get routes(): readonly RouteTally[] {
    return [...this.#routes].map(([route, counts]) => routeTally(route, counts));
  }

  report(): TallyReport {
    const groups = [...this.#groups.values()].sort(
      (a, b) => bySeverity(a, b) || b.pairs - a.pairs || (a.path < b.path ? -1 : 1),
    );
    return {
      routes: this.routes,
      groups: groups.map((group) => ({ ...group, samples: [...group.samples] })),
      ungrouped: this.#ungrouped,
    };
  }

  /** Counts under the endpoint, or under OTHER_ROUTES, and says which. */
  #count(asked: string, more: Partial<Counts>): string {
    const route = this.#routes.has(asked) || this.#routes.size < this.#mostRoutes ? asked : OTHER_ROUTES;
    const counts = this.#routes.get(route) ?? noCounts();
    this.#routes.set(route, counts);
    for (const kind of RESULT_KINDS) counts[kind] += more[kind] ?? 0;
    return route;
  }

  /** Undefined if there are too many. */
  #groupOf({ route, kind, path, severity }: GroupKey): Growing | undefined {
    const key = keyOf(route, kind, path);
    const known = this.#groups.get(key);
    if (known || this.#groups.size >= this.#mostGroups) return known;
    const group: Growing = {
      id: groupId(route, kind, path),
      route,
      kind,
      path,
      severity,
      pairs: 0,
      differences: 0,
      samples: [],
    };
    this.#groups.set(key, group);
    return group;
  }

  /** Reservoir sampling (Vitter's algorithm R). */
  #keep(group: Growing, sample: DifferenceSample): void {
    if (group.samples.length < this.#samples) group.samples.push(sample);
    else {
      const place = Math.floor(this.#random() * group.pairs);
      if (place < this.#samples) group.samples[place] = sample;
    }
  }
}

const noCounts = () => Object.fromEntries(RESULT_KINDS.map((kind) => [kind, 0])) as Counts;

function routeTally(route: string, counts: Counts): RouteTally {
  const agreed = RESULT_KINDS.filter(isAgreed).reduce((sum, kind) => sum + counts[kind], 0);
  const comparable = agreed + counts.mismatch;
  return {
    route,
    counts: { ...counts },
    comparable,
    mismatches: counts.mismatch,
    rate: comparable === 0 ? undefined : counts.mismatch / comparable,
  };
}

/** Takes one more pair of values into the group's ranges; a range that one value does not fit into is none. */
function widen(
  group: Growing,
  { old, new: newer }: { readonly old: string | undefined; readonly new: string | undefined },
): void {
  const first = group.differences === 0;
  const values = [sampledValue(old), sampledValue(newer)];
  const numbers = values.map((value) => (value === undefined ? value : numericOf(value)));
  if (numbers.every((number) => typeof number === 'number') && (first || group.numbers)) {
    const [one, other] = numbers as [number, number];
    const span = { minimum: Math.min(one, other), maximum: Math.max(one, other) };
    group.numbers = group.numbers ? spanOf(group.numbers, span) : span;
  } else group.numbers = undefined;
  const [a, b] = values.map((value) =>
    value === undefined || value instanceof ExactNumber ? Number.NaN : instantOf(value),
  );
  const apart = Math.abs(a! - b!);
  if (!Number.isNaN(apart) && (first || group.milliseconds !== undefined)) {
    group.milliseconds = Math.max(group.milliseconds ?? 0, apart);
  } else group.milliseconds = undefined;
}

const spanOf = (a: NonNullable<Group['numbers']>, b: NonNullable<Group['numbers']>) => ({
  minimum: Math.min(a.minimum, b.minimum),
  maximum: Math.max(a.maximum, b.maximum),
});

const greater = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : Math.max(a, b);
