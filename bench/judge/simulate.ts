import { EvidenceWindow } from '../../control/evidence.ts';
import { judge } from '../../control/judge.ts';
import { chanceOf } from '../../e2e/chance.ts';
import { Before } from './before.ts';
import { type Counted, type Load, Traffic } from './traffic.ts';

/** As the Plan has them if nobody says otherwise. */
export const THRESHOLDS = { errors: 0.05, hardFailures: 10, minimumRequests: 50 };
const DAY_MS = 86_400_000;

/** Something that may roll back at a look: the rule by which it does. */
type Judging = { fails(counted: Counted, now: number): string | undefined };

/** The judge in production, on a clock that a simulation turns. */
class Judged implements Judging {
  readonly #window = new EvidenceWindow(THRESHOLDS.errors);
  readonly #alone: boolean;

  constructor(alone: boolean) {
    this.#alone = alone;
  }

  fails(counted: Counted, now: number): string | undefined {
    for (const side of ['monolith', 'service'] as const)
      if (counted[side].requests) this.#window.add({ side, clientErrors: 0, ...counted[side] }, now);
    const { verdict, rule } = judge(this.#window.read(now, this.#alone), THRESHOLDS);
    return verdict === 'fail' ? rule : undefined;
  }
}

/**
 * A day of one step, or so many ms of it: the rule by which it was rolled back, if it was. Looks without a request are left
 * out, for evidence changes only with requests. What changes with time alone, an outage in which the monolith stays
 * silent, is then found at the next request.
 */
export function day(
  load: Load,
  seed: number,
  { judging = new Judged(load.share === 1), length = DAY_MS }: { judging?: Judging; length?: number } = {},
): string | undefined {
  const traffic = new Traffic(chanceOf(seed, JSON.stringify(load)));
  for (let counted = traffic.next(load, length); counted; counted = traffic.next(load, length)) {
    const rule = judging.fails(counted, traffic.now);
    if (rule) return rule;
  }
  return undefined;
}

/** A service that is as good as the monolith for `history` ms and then fails as `after` says. */
export type Change = { readonly before: Load; readonly after: Load; readonly history: number };

/**
 * After a good minute the service fails at `rate`, and the monolith never; `users` of either side make four requests a
 * second each.
 */
export function regularsMeet(users: number, rate: number, more: Partial<Load> = {}): Change {
  const before: Load = {
    ...{ speed: 8 * users, share: 0.5, rates: { monolith: 0, service: 0 }, kind: 'single', hard: false },
    regulars: { service: users, monolith: users },
  };
  return { before, after: { ...before, rates: { monolith: 0, service: rate }, ...more }, history: 60_000 };
}

/** How long after the change the service is rolled back, ms; undefined if it is not within `most`. */
export function rolledBackAfter({ before, after, history }: Change, seed: number, most: number): number | undefined {
  const traffic = new Traffic(chanceOf(seed, JSON.stringify(after)));
  const judged = new Judged(before.share === 1);
  while (traffic.now < history + most) {
    const counted = traffic.next(traffic.now < history ? before : after, Number.POSITIVE_INFINITY)!;
    if (judged.fails(counted, traffic.now)) return traffic.now - history;
  }
  return undefined;
}

/** Requests to the service from the change to the rollback, by this judge and by the one before; 0 for an alarm before it. */
export function detection({ before, after, history }: Change, seed: number): { ours: number; theirs: number } {
  const traffic = new Traffic(chanceOf(seed, JSON.stringify(before)));
  const [judged, other] = [new Judged(before.share === 1), new Before()];
  const found = { ours: -1, theirs: -1 };
  let requests = 0;
  while (found.ours < 0 || found.theirs < 0) {
    const counted = traffic.next(traffic.now < history ? before : after, Number.POSITIVE_INFINITY)!;
    if (traffic.now > history) requests += counted.service.requests;
    if (found.ours < 0 && judged.fails(counted, traffic.now)) found.ours = requests;
    if (found.theirs < 0 && other.fails(counted, traffic.now)) found.theirs = requests;
    if (traffic.now > history + DAY_MS) break;
  }
  for (const who of ['ours', 'theirs'] as const) if (found[who] < 0) found[who] = Number.POSITIVE_INFINITY;
  return found;
}
