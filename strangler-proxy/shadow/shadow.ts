import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Difference, type Result, type Rule, routeName, without } from '@strangler/compare';
import { BUCKETS, bucketOf, otherSide, type Side } from '@strangler/plan';
import { type RoutedCapability, rewritten } from '../route.ts';
import type { Clean } from '../sanitize.ts';
import { type Read, ShadowSide } from './ask-side.ts';
import { Comparer } from './comparer.ts';
import { Findings } from './findings.ts';
import type { ShadowMeters } from './meters.ts';
import { Capture, type Seen } from './reply.ts';

/** A read of one user, as it can be asked of either side. */
export type Asked = {
  readonly routed: RoutedCapability;
  readonly user: string;
  readonly bucket: number;
  readonly clean: Pick<Clean, 'headers' | 'host' | 'correlationId'>;
  readonly target: string;
};

/** What a shadow asks about users. */
export type Users = {
  /** Undefined while nobody can say, or while the user is being moved. */
  readonly ownerOf: (asked: Asked) => Side | undefined;
  /** Whether what was written on either side until now is on the other one; false if that is not known in time. */
  readonly arrived: (asked: Asked) => Promise<boolean>;
};

/** Reads that are compared at once, and those that wait; beyond, a read is dropped and counted. */
const AT_ONCE = 32;
const MOST_WAITING = 1_000;
const MOST_BYTES = 67_108_864;
/** How often both sides are asked again at most. */
const LOOKS = 3;
const BETWEEN_LOOKS = 100;
const MOST_SUSPECTS = 256;
/** After so many failures in a row the other side is left alone for a while, ms. */
const FAILURES = 10;
const LEFT_ALONE = 5_000;
const SIDES = ['monolith', 'service'] as const;
/** Never asked of the other side again: what framing and conditions there were is between the client and its side. */
const NOT_REPEATED = new Set(['range', 'if-none-match', 'if-modified-since', 'if-range', 'te', 'x-strangler-shadow']);

/** What both sides have answered. */
type Both = readonly [monolith: Seen, service: Seen];
type Job = { readonly asked: Asked; readonly owner: Side; readonly seen: Seen | undefined; readonly bytes: number };

/** Asks the other side what the owner was asked, compares, and tells nobody but control (design.md §7). */
export class Shadow {
  readonly findings = new Findings();
  readonly #users: Users;
  readonly #secret: string;
  readonly #comparer: Comparer;
  readonly #meters: ShadowMeters;
  readonly #monolith: ShadowSide;
  readonly #services = new Map<string, ShadowSide>();
  readonly #beside: (() => void)[] = [];
  readonly #queue: Job[] = [];
  readonly #failures = new Map<string, { count: number; until: number }>();
  /** What of the next read of a capability falls to noise; 1 is a look. */
  readonly #noiseDue = new Map<string, number>();
  #bytes = 0;
  #running = 0;
  #suspects = 0;
  #stopped = false;

  constructor(
    monolith: URL,
    capabilities: readonly RoutedCapability[],
    rules: Readonly<Record<string, readonly Rule[]>>,
    secret: string,
    users: Users,
    meters: ShadowMeters,
  ) {
    this.#monolith = new ShadowSide(monolith, AT_ONCE);
    for (const { name, service } of capabilities) this.#services.set(name, new ShadowSide(service, AT_ONCE));
    this.#comparer = new Comparer(rules, (capability, used) => this.findings.used(capability, used));
    this.#meters = meters;
    meters.watch({
      waiting: () => ({ reads: this.#queue.length, bytes: this.#bytes, underWay: this.#running + this.#suspects }),
      leftAlone: () =>
        capabilities.flatMap(({ name }) => SIDES.map((side) => [name, side, this.#isLeftAlone(name, side)] as const)),
    });
    this.#secret = secret;
    this.#users = users;
  }

  /** What gathers the owner’s reply to a read or a write that counts; undefined if it does not. Always the same users. */
  capture({ routed, user }: Asked): Capture | undefined {
    return !this.#stopped && isSampled(routed, user) ? new Capture() : undefined;
  }

  /** The owner has answered a read. */
  read(asked: Asked, owner: Side, capture: Capture): void {
    this.#take({ asked, owner, seen: capture.seen, bytes: capture.bytes });
  }

  /** The owner has done a write: these reads are asked of both sides once it has arrived; {id} is from its answer. */
  wrote(targets: readonly string[], asked: Asked, owner: Side, capture: Capture): void {
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

  /** Waits for nothing: what has not been compared is not told. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.length = 0;
    for (const stop of this.#beside.splice(0)) stop();
    await this.#comparer.stop();
    await Promise.all([this.#monolith, ...this.#services.values()].map((side) => side.stop()));
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
    const [capability, route] = [asked.routed.name, routeName('GET', asked.target)];
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
    if (this.#isLeftAlone(asked.routed.name, other)) {
      return this.#drop(job, `the ${other} has failed too often`);
    }
    const others = seen && (await this.#ask(asked, other));
    const both: Both | undefined = seen && others && (owner === 'monolith' ? [seen, others] : [others, seen]);
    if (both) {
      if (this.#looksForNoise(asked)) await this.#lookForNoise(asked, both[0]);
      const result = await this.#compare(asked, ...both);
      if (result.kind !== 'mismatch') return this.#found(job, result);
    }
    // What differs is looked at again, and holds up nobody who waits for a first look.
    if (this.#suspects >= MOST_SUSPECTS) return this.#drop(job, 'too many replies differ at once');
    this.#suspects++;
    void this.#lookAgain(asked, owner, both)
      .then((result) => this.#found(job, result))
      .finally(() => {
        this.#suspects--;
      });
  }

  /** True for every so many reads of a capability as its Plan says. */
  #looksForNoise({ routed: { name, compare } }: Asked): boolean {
    const due = (this.#noiseDue.get(name) ?? 0) + compare.noise;
    this.#noiseDue.set(name, due % 1);
    return due >= 1;
  }

  /**
   * Asks the monolith what it has just answered, and compares it with itself. What differs may be noise, or a change
   * between the two; so it is asked once more, and only what differs then too can be noise.
   */
  async #lookForNoise(asked: Asked, first: Seen): Promise<void> {
    const second = await this.#ask(asked, 'monolith');
    const result = await this.#compare(asked, first, second, true);
    const again: Difference[] = [];
    if (result.kind === 'mismatch') {
      const third = await this.#compare(asked, second, await this.#ask(asked, 'monolith'), true);
      again.push(...third.differences);
    }
    this.findings.noise(asked.routed.name, routeName('GET', asked.target), asked.target, result, again);
  }

  /**
   * Waits until everything written on either side has arrived on the other, and asks both again. What still differs
   * then, although neither side has changed there meanwhile, is a difference: state that is on its way, or that somebody
   * is changing, is none. What changes with every look on the service alone is one, too; on the monolith it is noise.
   */
  async #lookAgain(asked: Asked, owner: Side, seen: Both | undefined): Promise<Result> {
    let before = seen;
    const noisy = new Set<string>();
    for (let look = seen ? 1 : 0; ; look++) {
      if (!(await this.#users.arrived(asked))) {
        return without('not-comparable', 'what was written on one side has not reached the other');
      }
      await sleep(BETWEEN_LOOKS);
      if (this.#stopped || this.#users.ownerOf(asked) !== owner) return without('not-comparable', 'the user was moved');
      const now = await Promise.all([this.#ask(asked, 'monolith'), this.#ask(asked, 'service')]);
      const result = await this.#compare(asked, ...now);
      if (result.kind !== 'mismatch') return result;
      if (before) {
        const [monolith, service] = await Promise.all([0, 1].map((at) => this.#changed(asked, before![at]!, now[at]!)));
        for (const path of monolith!) noisy.add(path);
        const lasting = result.differences.filter(({ path }) => !noisy.has(path));
        const settled = lasting.filter(({ path }) => !service!.has(path));
        if (settled.length && asked.routed.synced) return { ...result, differences: settled };
        if (look === LOOKS && lasting.length) return { ...result, differences: lasting };
        if (look === LOOKS) return without('not-comparable', `the monolith differs from itself at ${[...noisy][0]}`);
      }
      before = now;
    }
  }

  /** The paths at which a side differs from itself. */
  async #changed(asked: Asked, before: Seen, now: Seen): Promise<ReadonlySet<string>> {
    const { differences } = await this.#compare(asked, before, now, true);
    return new Set(differences.map(({ path }) => path));
  }

  /** `self`: both replies are of one side. */
  async #compare({ routed, target }: Asked, old: Seen, newer: Seen, self = false): Promise<Result> {
    const path = target.replace(/[?#].*$/s, '');
    const pair = { capability: routed.name, method: 'GET', path, old, new: newer, self };
    return (await this.#comparer.compare(pair)) ?? without('truncated', 'the comparison broke off');
  }

  async #ask({ routed, clean, target }: Asked, side: Side): Promise<Seen> {
    const { name, rewrite } = routed;
    const headers: string[] = ['host', clean.host ?? 'localhost'];
    for (let at = 0; at < clean.headers.length; at += 2) {
      if (!NOT_REPEATED.has(clean.headers[at]!.toLowerCase())) headers.push(clean.headers[at]!, clean.headers[at + 1]!);
    }
    headers.push('x-strangler-shadow', signed(clean.correlationId, this.#secret));
    const path = side === 'service' ? rewritten(rewrite, target) : target;
    const read: Read = { method: 'GET', path, headers };
    const begun = performance.now();
    const seen = await (side === 'service' ? this.#services.get(name)! : this.#monolith).ask(read);
    this.#meters.asked(name, side, performance.now() - begun, 'error' in seen);
    this.#note(`${name} ${side}`, 'error' in seen);
    return seen;
  }

  #note(side: string, failed: boolean): void {
    if (!failed) {
      this.#failures.delete(side);
      return;
    }
    const count = (this.#failures.get(side)?.count ?? 0) + 1;
    this.#failures.set(side, { count, until: performance.now() + LEFT_ALONE });
  }

  #isLeftAlone(capability: string, side: Side): boolean {
    const known = this.#failures.get(`${capability} ${side}`);
    return known !== undefined && known.count >= FAILURES && performance.now() < known.until;
  }
}

/** The same users for as long as the share stays: those of the split’s hash under a name of their own. */
export const isSampled = ({ group, compare }: RoutedCapability, user: string): boolean =>
  bucketOf(`${group} compare`, user) < compare.share * BUCKETS;

/** `ID HMAC`: a side that knows the secret can tell a shadow from a client who pretends. */
const signed = (id: string, secret: string): string =>
  `${id} ${createHmac('sha256', secret).update(`shadow ${id}`).digest('base64url')}`;

/** `/api/orders/{id}` with `{id}` from a JSON answer; what cannot be filled in is left out. */
function filledIn(targets: readonly string[], seen: Seen): string[] {
  let answer: Record<string, unknown> = {};
  try {
    if ('body' in seen) answer = Object(JSON.parse(Buffer.from(seen.body).toString()));
  } catch {
    // no JSON: only reads that need nothing from it are left
  }
  return targets.flatMap((target) => {
    const filled = target.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(answer, name) ? answer[name] : undefined;
      return typeof value === 'string' || typeof value === 'number' ? encodeURIComponent(value) : whole;
    });
    return filled.includes('{') ? [] : [filled];
  });
}
