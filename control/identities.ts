import { type Identified, type IdentityCounts, LACKS, type WithoutUser, withoutUserIn } from '@strangler/plan';

/** Requests are remembered for so long, ms; by the minute. */
const MEMORY_MS = 600_000;
const MINUTE_MS = 60_000;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Minute = Record<'reads' | 'writes', Mutable<IdentityCounts>> & { readonly from: number };

const none = (): Mutable<IdentityCounts> => ({ requests: 0, absent: 0, unreadable: 0, unknown: 0 });

/** How many of the requests of ten minutes named no user, or none that could be read; by a monotonic clock in ms. */
export class Identities {
  #minutes: Minute[] = [];
  #why: string | undefined;

  /** Takes in what a proxy counted. */
  add({ reads, writes, why }: Identified, now: number): void {
    const last = this.#minutes.at(-1);
    const minute = last && now - last.from < MINUTE_MS ? last : { from: now, reads: none(), writes: none() };
    if (minute !== last) this.#minutes.push(minute);
    sum(minute.reads, reads);
    sum(minute.writes, writes);
    this.#why = why ?? this.#why;
  }

  /** Of the last ten minutes. */
  read(now: number): WithoutUser {
    this.#minutes = this.#minutes.filter(({ from }) => now - from <= MEMORY_MS);
    const found = { reads: none(), writes: none() };
    for (const { reads, writes } of this.#minutes) {
      sum(found.reads, reads);
      sum(found.writes, writes);
    }
    return { ...found, ...(this.#why !== undefined && { why: this.#why }) };
  }

  /** What keeps users from moving forward, as sentences: no more than `limit` (0…1) of the writes may be without a user. */
  gates(limit: number, now: number): string[] {
    const { writes, why } = this.read(now);
    const without = withoutUserIn(writes);
    if (without <= writes.requests * limit) return [];
    const causes = [
      ...(writes.absent ? [`${writes.absent} name no user`] : []),
      ...(writes.unreadable ? [`of ${writes.unreadable} the user cannot be read`] : []),
      ...(writes.unknown ? [`of ${writes.unknown} the user could not be found out`] : []),
    ].join(', ');
    const newest = why !== undefined && without > writes.absent ? ` (the newest: ${why})` : '';
    return [
      `${without} of the last ${writes.requests} writes had no user: ${causes}${newest}; they go to the monolith, whoever’s ` +
        'data they write. strangler route tells what the Plan makes of a request; guard.withoutUser is how many may be so',
    ];
  }
}

function sum(into: Mutable<IdentityCounts>, more: IdentityCounts): void {
  into.requests += more.requests;
  for (const lack of LACKS) into[lack] += more[lack];
}
