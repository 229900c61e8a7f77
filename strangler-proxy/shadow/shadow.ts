import { type Difference, type Result, type Rule, without } from '@strangler/compare';
import { BUCKETS, bucketOf, otherSide, type Side } from '@strangler/plan';
import type { Addresses } from '../addresses.ts';
import type { RoutedCapability } from '../route.ts';
import { Comparer } from './comparer.ts';
import { filledIn } from './filled-in.ts';
import { ShadowFindings } from './findings.ts';
import { type Both, type Compare, lookAgain, type Users } from './look-again.ts';
import type { ShadowMeters } from './meters.ts';
import { Capture, type ShadowReply } from './reply.ts';
import { RouteNames } from './route-names.ts';
import { ShadowSides, type UserRead } from './sides.ts';

/** Reads that are compared at once, and those that wait; beyond, a read is dropped and counted. */
const AT_ONCE = 32;
const MOST_WAITING = 1_000;
const MOST_BYTES = 67_108_864;
const MOST_SUSPECTS = 256;
type Job = {
  readonly asked: UserRead;
  readonly owner: Side;
  readonly seen: ShadowReply | undefined;
  readonly bytes: number;
};

/** Asks the other side what the owner was asked, compares, and tells nobody but control (docs/comparing.md). */
export class Shadow {
  readonly findings = new ShadowFindings();
  readonly #users: Users;
  readonly #comparer: Comparer;
  readonly #meters: ShadowMeters;
  readonly #sides: ShadowSides;
  readonly #names = new RouteNames();
  readonly #beside: (() => void)[] = [];
  readonly #queue: Job[] = [];
  /** What of the next read of a capability falls to noise; 1 is a look. */
  readonly #noiseDue = new Map<string, number>();
  #bytes = 0;
  #running = 0;
  #suspects = 0;
  #stopped = false;

  constructor(
    monolith: URL,
    capabilities: readonly RoutedCapability[],
    addresses: Addresses,
    rules: Readonly<Record<string, readonly Rule[]>>,
    secret: string,
    users: Users,
    meters: ShadowMeters,
  ) {
    this.#sides = new ShadowSides(monolith, capabilities, addresses, secret, AT_ONCE, meters);
    this.#comparer = new Comparer(rules, (capability, used) => this.findings.used(capability, used));
    this.#meters = meters;
    meters.watch({
      waiting: () => ({ reads: this.#queue.length, bytes: this.#bytes, underWay: this.#running + this.#suspects }),
      circuitOpen: () => this.#sides.circuitOpen,
    });
    this.#users = users;
  }

  /** What gathers the owner’s reply to a read or a write that counts; undefined if it does not. Always the same users; of everybody, some requests. */
  capture({ routed, user, clean }: UserRead): Capture | undefined {
    return !this.#stopped && isSampled(routed, routed.splits ? user : clean.correlationId) ? new Capture() : undefined;
  }

  /** The owner has answered a read. */
  read(asked: UserRead, owner: Side, capture: Capture): void {
    this.#take({ asked, owner, seen: capture.seen, bytes: capture.bytes });
  }

  /** The owner has done a write: these reads are asked of both sides once it has arrived; {id} is from its answer. */
  wrote(targets: readonly string[], asked: UserRead, owner: Side, capture: Capture): void {
    for (const target of filledIn(targets, capture.seen)) {
      this.#take({ asked: { ...asked, target }, owner, seen: undefined, bytes: 0 });
    }
  }

  /** Compares with these rules of a capability from now on. */
  use(capability: string, rules: readonly Rule[]): void {
    this.#comparer.use(capability, rules);
  }

  /** Stops this too when it stops. */
  beside(stop: () => void): void {
    this.#beside.push(stop);
  }

  /** What has not been compared is not told. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.length = 0;
    for (const stop of this.#beside.splice(0)) stop();
    await this.#comparer.stop();
    await this.#sides.stop();
  }

  #take(job: Job): void {
    if (this.#queue.length >= MOST_WAITING) this.#drop(job, 'too many replies wait to be compared');
    else if (this.#bytes + job.bytes > MOST_BYTES) this.#drop(job, 'the replies that wait are too large');
    else {
      this.#bytes += job.bytes;
      this.#queue.push(job);
      this.#next();
    }
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const job = this.#queue.shift();
      if (!job) return;
      this.#bytes -= job.bytes;
      this.#running++;
      void this.#firstLook(job).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  #found({ asked }: Job, result: Result): void {
    if (this.#stopped) return;
    const [capability, route] = [asked.routed.name, this.#names.nameOf(asked.routed, asked.target)];
    this.findings.replies(capability, route, asked.target, result);
    this.#meters.compared(capability, route, result.kind);
  }

  #drop(job: Job, reason: string): void {
    this.#found(job, without('dropped', reason));
    this.#meters.dropped(job.asked.routed.name, reason);
  }

  async #firstLook(job: Job): Promise<void> {
    const { asked, owner, seen } = job;
    const other = otherSide(owner);
    if (this.#sides.isLeftAlone(asked.routed.name, other)) {
      return this.#drop(job, `the ${other} has failed too often`);
    }
    const others = seen && (await this.#sides.ask(asked, other));
    const both: Both | undefined = seen && others && (owner === 'monolith' ? [seen, others] : [others, seen]);
    if (both) {
      if (this.#looksForNoise(asked)) await this.#lookForNoise(asked, both[0]);
      const result = await this.#compare(asked, ...both);
      if (result.kind !== 'mismatch') return this.#found(job, result);
    }
    // What differs is looked at again, and holds up nobody who waits for a first look.
    if (this.#suspects >= MOST_SUSPECTS) return this.#drop(job, 'too many replies differ at once');
    this.#suspects++;
    const users: Users = { ...this.#users, ownerOf: (of) => (this.#stopped ? undefined : this.#users.ownerOf(of)) };
    void lookAgain(asked, owner, both, { users, sides: this.#sides, compare: this.#compare })
      .then((result) => this.#found(job, result))
      .finally(() => {
        this.#suspects--;
      });
  }

  /** True for every so many reads of a capability as its Plan says. */
  #looksForNoise({ routed: { name, compare } }: UserRead): boolean {
    const due = (this.#noiseDue.get(name) ?? 0) + compare.noise;
    this.#noiseDue.set(name, due % 1);
    return due >= 1;
  }

  /**
   * Asks the monolith what it has just answered, and compares it with itself. What differs may be noise, or a change
   * between the two; so it is asked once more, and only what differs then too can be noise.
   */
  async #lookForNoise(asked: UserRead, first: ShadowReply): Promise<void> {
    const second = await this.#sides.ask(asked, 'monolith');
    const result = await this.#compare(asked, first, second, true);
    const again: Difference[] = [];
    if (result.kind === 'mismatch') {
      const third = await this.#compare(asked, second, await this.#sides.ask(asked, 'monolith'), true);
      again.push(...third.differences);
    }
    this.findings.noise(asked.routed.name, this.#names.nameOf(asked.routed, asked.target), asked.target, result, again);
  }

  readonly #compare: Compare = async ({ routed, target }, old, newer, self = false) => {
    const path = target.replace(/[?#].*$/s, '');
    const pair = { capability: routed.name, method: 'GET', path, old, new: newer, self };
    return (await this.#comparer.compare(pair)) ?? without('truncated', 'the comparison broke off');
  };
}

/** The same ones of these, users or requests, for as long as the share stays: those of the split’s hash under a name of their own. */
export const isSampled = ({ group, compare }: RoutedCapability, one: string): boolean =>
  bucketOf(`${group} compare`, one) < compare.share * BUCKETS;
