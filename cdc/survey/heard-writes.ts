import type { HeardWrite, SurveyAnswer } from '@strangler/plan';

/** A change may come so long after the answer to the request that made it, ms. */
export const TOLERANCE_MS = 1_000;
/** Two clocks that were compared over a network still differ by a little, ms. */
export const SLACK_MS = 50;
/** A write is told of within so much, ms: proxies tell ten times a second. */
const TOLD_WITHIN_MS = 1_000;
/** It takes so long until a proxy that says nothing is known to, ms. */
const SILENT_MS = 4_000;
/** Writes kept; of more the oldest are forgotten, and what they may have made is not judged. */
const MOST_KEPT = 200_000;

/** A stretch of time, ms since 1970 by control's clock. */
export type Stretch = { readonly from: number; readonly to: number };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Kept = Mutable<HeardWrite>;

/** How often requests of a route came, and how long they were under way together, ms. */
export type RouteUse = { readonly count: number; readonly busy: number };

/** The writes of the proxies as control passes them on, and when it could not. */
export class HeardWrites {
  readonly #writes = new Map<string, Kept>();
  readonly #byUser = new Map<string, Set<Kept>>();
  readonly #uses = new Map<string, Mutable<RouteUse>>();
  readonly #deaf: Stretch[] = [];
  /** The process that last told for each proxy. */
  readonly #processes = new Map<string, string>();
  #stream: string | undefined;
  #now = Number.NEGATIVE_INFINITY;

  /** Up to when every write that had begun is known, but for what `isDeaf` says. */
  get until(): number {
    return this.#now - TOLD_WITHIN_MS;
  }

  /** The time of the last answer, by control's clock. */
  get now(): number {
    return this.#now;
  }

  /** Takes an answer of control. True if all its proxies report their writes. `onNew` is called once per write. */
  take({ stream, now, missed, writes, proxies }: SurveyAnswer, onNew: (write: HeardWrite) => void = () => {}): boolean {
    const known = this.#stream === stream;
    const all = proxies.length > 0 && proxies.every(({ tells }) => tells);
    if (this.#stream !== undefined && (!known || missed || !all))
      this.#deafen({ from: this.#now - SILENT_MS, to: now });
    if (!known) this.#endAll(() => true, now);
    const telling = new Set(proxies.filter(({ tells }) => tells).map(({ proxy }) => proxy));
    for (const { proxy } of writes) this.#processes.set(nameOf(proxy), proxy);
    this.#endAll(({ proxy }) => !telling.has(nameOf(proxy)) || this.#processes.get(nameOf(proxy)) !== proxy, now);
    this.#stream = stream;
    for (const write of writes) this.#keep(write, onNew);
    this.#now = now;
    return all;
  }

  /** What a user asked, as a capability reads requests, that was under way in this stretch or had ended shortly before. */
  ofUser(capability: string, user: string, at: Stretch): HeardWrite[] {
    const all = this.#byUser.get(`${capability} ${user}`) ?? [];
    return [...all].filter((write) => touches(write, at, TOLERANCE_MS));
  }

  /** What was under way in this stretch; if nothing was, what was so as far as clocks agree. */
  during(at: Stretch): HeardWrite[] {
    const near = [...this.#writes.values()].filter((write) => touches(write, at, 0));
    const exact = near.filter(({ began, ended }) => began <= at.to && (ended === null || ended >= at.from));
    return exact.length ? exact : near;
  }

  /** True if writes of this stretch may be missing. */
  isDeaf({ from, to }: Stretch): boolean {
    return this.#deaf.some((one) => one.from <= to + SLACK_MS && one.to >= from - TOLERANCE_MS);
  }

  /** How much a route was used in all. */
  useOf(route: string): RouteUse {
    return this.#uses.get(route) ?? { count: 0, busy: 0 };
  }

  /** Forgets what had ended before. */
  forget(before: number): void {
    for (const [name, write] of this.#writes) {
      if (write.ended !== null && write.ended < before - TOLERANCE_MS - SLACK_MS) this.#drop(name, write);
    }
  }

  #keep(write: HeardWrite, onNew: (write: HeardWrite) => void): void {
    const name = `${write.proxy} ${write.id}`;
    const known = this.#writes.get(name);
    const kept: Kept = known ?? { ...write };
    if (!known) {
      onNew(write);
      this.#writes.set(name, kept);
      for (const owner of ownersOf(kept)) this.#byUser.set(owner, (this.#byUser.get(owner) ?? new Set()).add(kept));
      const use = this.#uses.get(write.route) ?? { count: 0, busy: 0 };
      use.count++;
      this.#uses.set(write.route, use);
    }
    if (write.ended !== null) this.#end(kept, write.ended, write.status);
    if (this.#writes.size <= MOST_KEPT) return;
    const [oldest, first] = this.#writes.entries().next().value!;
    this.#drop(oldest, first);
    this.#deafen({ from: first.began, to: first.began });
  }

  #end(kept: Kept, ended: number, status: number): void {
    if (kept.ended === null) this.#uses.get(kept.route)!.busy += Math.max(0, ended - kept.began);
    kept.ended = ended;
    kept.status = status;
  }

  /** Whoever told of them says nothing any more. */
  #endAll(which: (write: Kept) => boolean, now: number): void {
    for (const write of this.#writes.values()) if (write.ended === null && which(write)) this.#end(write, now, 0);
  }

  #drop(name: string, write: Kept): void {
    this.#writes.delete(name);
    for (const owner of ownersOf(write)) {
      const all = this.#byUser.get(owner);
      all?.delete(write);
      if (!all?.size) this.#byUser.delete(owner);
    }
  }

  #deafen(at: Stretch): void {
    const last = this.#deaf.at(-1);
    if (last && at.from <= last.to)
      this.#deaf[this.#deaf.length - 1] = { from: last.from, to: Math.max(last.to, at.to) };
    else this.#deaf.push(at);
  }
}

/** The proxy of a process. */
const nameOf = (process: string): string => process.slice(0, process.lastIndexOf('/'));

const ownersOf = ({ users }: HeardWrite): string[] =>
  Object.entries(users).flatMap(([capability, named]) => ('user' in named ? [`${capability} ${named.user}`] : []));

const touches = ({ began, ended }: HeardWrite, { from, to }: Stretch, tolerance: number): boolean =>
  began - SLACK_MS <= to && (ended === null || ended + SLACK_MS + tolerance >= from);
