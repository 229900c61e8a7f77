import { isAgreed, RESULT_KINDS, type Result, type ResultKind } from './compare-replies.ts';
import type { DifferenceKind, Severity } from './difference.ts';
import { sampledValue } from './excuses.ts';
import { ExactNumber } from './json.ts';
import { instantOf, numericOf } from './leaf.ts';

/** One compared pair of replies. */
export interface Compared {
  /** The same for all requests to one endpoint: `GET /orders/{id}`. */
  readonly route: string;
  readonly result: Result;
  /** Leads a reader to the pair: an id, a position in a recording, a case's name. */
  readonly at?: string;
}

export interface Sample {
  readonly at: string | undefined;
  /** The exact place. */
  readonly place: string;
  readonly old: string | undefined;
  readonly new: string | undefined;
}

/** Like differences of one endpoint: the same kind at the same path. */
export interface Group {
  readonly route: string;
  readonly kind: DifferenceKind;
  readonly path: string;
  readonly severity: Severity;
  /** Pairs of replies it was found in. */
  readonly pairs: number;
  /** How often in all; one reply may have it in every element of a list. */
  readonly differences: number;
  /** A few, each of the pairs equally likely among them. */
  readonly samples: readonly Sample[];
  /** The smallest and greatest number on either side, if all were numbers. */
  readonly numbers: { readonly minimum: number; readonly maximum: number } | undefined;
  /** How far apart two timestamps were at most, if all were timestamps. */
  readonly milliseconds: number | undefined;
}

export interface RouteTally {
  readonly route: string;
  readonly counts: Readonly<Record<ResultKind, number>>;
  /** Equal, equal by rule and mismatches: what a rate may be made of. */
  readonly comparable: number;
  readonly mismatches: number;
  /** Mismatches of the comparable; undefined of none. */
  readonly rate: number | undefined;
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
  /** 0 to 1; decides which samples are kept. */
  readonly random?: () => number;
}

type Counts = Record<ResultKind, number>;
type Growing = { -readonly [K in keyof Group]: Group[K] } & { samples: Sample[] };

const RANK: Readonly<Record<Severity, number>> = { high: 0, medium: 1, low: 2 };

/** Counts results by endpoint, and groups their differences by endpoint, path and kind. */
export class Tally {
  readonly #routes = new Map<string, Counts>();
  readonly #groups = new Map<string, Growing>();
  readonly #samples: number;
  readonly #mostGroups: number;
  readonly #random: () => number;
  #ungrouped = 0;

  constructor({ samples = 5, groups = 2000, random = Math.random }: TallyOptions = {}) {
    this.#samples = samples;
    this.#mostGroups = groups;
    this.#random = random;
  }

  add({ route, result, at }: Compared): void {
    const counts = this.#routes.get(route) ?? noCounts();
    counts[result.kind]++;
    this.#routes.set(route, counts);
    const met = new Set<Growing>();
    for (const difference of result.differences) {
      const { kind, path, severity } = difference;
      const key = `${route} ${kind} ${path}`;
      let group = this.#groups.get(key);
      if (!group) {
        if (this.#groups.size >= this.#mostGroups) {
          this.#ungrouped++;
          continue;
        }
        group = {
          route,
          kind,
          path,
          severity,
          pairs: 0,
          differences: 0,
          samples: [],
          numbers: undefined,
          milliseconds: undefined,
        };
        this.#groups.set(key, group);
      }
      widen(group, difference);
      group.differences++;
      if (met.has(group)) continue;
      met.add(group);
      group.pairs++;
      this.#keep(group, { at, place: difference.at, old: difference.old, new: difference.new });
    }
  }

  report(): TallyReport {
    const groups = [...this.#groups.values()].sort(
      (a, b) => RANK[a.severity] - RANK[b.severity] || b.pairs - a.pairs || (a.path < b.path ? -1 : 1),
    );
    return {
      routes: [...this.#routes].map(([route, counts]) => routeTally(route, counts)),
      groups: groups.map((group) => ({ ...group, samples: [...group.samples] })),
      ungrouped: this.#ungrouped,
    };
  }

  /** Reservoir sampling (Vitter's algorithm R). */
  #keep(group: Growing, sample: Sample): void {
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
    const all = [...(numbers as number[]), ...(group.numbers ? [group.numbers.minimum, group.numbers.maximum] : [])];
    group.numbers = { minimum: Math.min(...all), maximum: Math.max(...all) };
  } else group.numbers = undefined;
  const [a, b] = values.map((value) =>
    value === undefined || value instanceof ExactNumber ? Number.NaN : instantOf(value),
  );
  const apart = Math.abs(a! - b!);
  if (!Number.isNaN(apart) && (first || group.milliseconds !== undefined)) {
    group.milliseconds = Math.max(group.milliseconds ?? 0, apart);
  } else group.milliseconds = undefined;
}
