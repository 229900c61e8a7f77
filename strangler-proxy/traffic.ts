import { type FromProxy, isSplit, type Plan, type Side, type Snapshot } from '@strangler/plan';
import type { Logger } from 'pino';
import { Addresses } from './addresses.ts';
import { Allowance } from './allowance.ts';
import type { Blame } from './blame.ts';
import { ConfirmationRequests } from './confirmations.ts';
import { type Decision, decide } from './decide.ts';
import { Flights, type Write } from './flights.ts';
import { Holds } from './hold.ts';
import type { Identity } from './identity/identify.ts';
import { IdentityTally } from './identity/tally.ts';
import type { Fenced, ProxyMetrics } from './metrics.ts';
import type { RoutedCapability } from './route.ts';
import type { Shadow } from './shadow/shadow.ts';
import { mayFollow } from './snapshot-order.ts';
import { WriteSurvey } from './survey.ts';
import { OutcomeTally, type RequestOutcome, type Whose } from './tally.ts';
import { Upstream } from './upstream.ts';

/** What every request shares: the snapshot in force, the upstreams, the held writes and those under way. */
export class Traffic {
  readonly limits: Plan['proxy'];
  readonly log: Logger;
  readonly capabilities: readonly RoutedCapability[];
  readonly holds: Holds;
  readonly flights: Flights;
  readonly tally = new OutcomeTally();
  readonly identities = new IdentityTally();
  /** Tells control of writes, while somebody surveys. */
  readonly survey: WriteSurvey;
  readonly confirmations: ConfirmationRequests;
  /** What answers must not name. */
  readonly addresses: Addresses;
  /** Writes whose bodies are passed on as they come. */
  readonly uploads: Allowance;
  /** WebSockets that may carry writes. */
  readonly sockets: Allowance;
  /** Writes of unknown fate that may still be carried out. */
  readonly unknownFates: Allowance;
  /** Compares reads, if the Plan wants any compared. */
  shadow: Shadow | undefined;
  /** Milliseconds since control was last heard, while there is no link to it. */
  blindFor: () => number = () => 0;
  readonly #metrics: ProxyMetrics;
  readonly #monolith: Upstream;
  readonly #services = new Map<string, Upstream>();
  readonly #writeFates: ReadonlyMap<string, number>;
  #snapshot: Snapshot | undefined;
  /** The newest snapshot there ever was: also when none is in force, no older one is followed. */
  #newest: Pick<Snapshot, 'term' | 'version'> | undefined;
  #underWay = 0;
  #idle: (() => void) | undefined;
  stopping = false;

  constructor(
    monolith: URL,
    capabilities: readonly RoutedCapability[],
    limits: Plan['proxy'],
    metrics: ProxyMetrics,
    log: Logger,
    tell: (message: FromProxy) => boolean,
  ) {
    this.limits = limits;
    this.log = log;
    this.capabilities = capabilities;
    this.survey = new WriteSurvey(capabilities);
    this.#metrics = metrics;
    this.addresses = new Addresses(monolith, capabilities);
    this.uploads = new Allowance(limits.unfinishedPerAddress, limits.unfinishedPerUser);
    this.sockets = new Allowance(limits.unfinishedPerAddress, limits.unfinishedPerUser);
    this.unknownFates = new Allowance(limits.unfinishedPerAddress, limits.unfinishedPerUser);
    this.#monolith = new Upstream(monolith, limits);
    for (const { name, service } of capabilities) this.#services.set(name, new Upstream(service, limits));
    this.#writeFates = new Map(capabilities.map(({ name, handoff }) => [name, handoff.writeFate]));
    this.flights = new Flights(
      (capability) => this.#writeFates.get(capability) ?? 0,
      (flight) => tell({ type: 'flight', flight }),
    );
    this.confirmations = new ConfirmationRequests(tell);
    this.holds = new Holds((capability, milliseconds) => metrics.held(capability, milliseconds));
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** `blind`: a write, and what is known of its owner is too old for the Plan. */
  decide(capability: string, user: string | undefined, bucket: number, isWrite: boolean): Decision | 'blind' {
    const decision = decide(this.#snapshot, capability, user, bucket, isWrite);
    const splits = isWrite && user !== undefined && decision !== 'unknown';
    return splits && this.limits.blind === 'refuse' && this.isBlind ? 'blind' : decision;
  }

  /** True if anybody of a capability may be on the service. */
  isSplit(capability: string): boolean {
    const entry = this.#snapshot?.capabilities[capability];
    return entry !== undefined && isSplit(entry);
  }

  /** True if control has not been heard for so long that its users may have moved meanwhile. */
  get isBlind(): boolean {
    return this.blindFor() >= this.limits.blindAfter;
  }

  upstreamOf(routed: RoutedCapability | undefined, side: Side): Upstream {
    return routed === undefined || side === 'monolith' ? this.#monolith : this.#services.get(routed.name)!;
  }

  /**
   * Puts a snapshot in force, lets go whom it no longer moves, and says what its handoffs still wait for; undefined if
   * it is older than one that has been in force.
   */
  apply(snapshot: Snapshot): FromProxy | undefined {
    if (!mayFollow(this.#newest, snapshot)) return undefined;
    const { term, version } = snapshot;
    this.#newest = { term, version };
    this.#snapshot = snapshot;
    const flights = this.flights.apply(snapshot);
    this.holds.release();
    this.confirmations.apply(snapshot);
    return { type: 'ack', term, version, flights };
  }

  /** Another proxy has taken this one’s place: control moves users without asking this one, so it may split nobody. */
  forget(): void {
    this.#snapshot = undefined;
    this.holds.release();
  }

  /** Says of a write that it was sent by what control said long ago. */
  noteBlind({ capability, side }: Write, correlationId: string): void {
    if (!this.isBlind) return;
    const blindMs = Math.round(this.blindFor());
    this.log.warn({ capability, side, correlationId, blindMs }, 'a write was sent without a link to control');
  }

  /** Notes the end of a write; one of unknown fate is its client address’s to answer for while it may still arrive. */
  endWrite(write: Write, address: string, fateKnown: boolean): void {
    this.flights.end(write, fateKnown);
    if (!fateKnown && write.user !== undefined)
      setTimeout(this.unknownFates.take(write, address), this.#writeFates.get(write.capability)).unref();
  }

  /** Counts what became of a request that was sent to a side; what was not the side’s says nothing about it. */
  count(capability: string, side: Side, fault: Blame['fault'], outcome: RequestOutcome, from: Whose): void {
    if (fault !== 'none' && fault !== 'side') {
      this.#metrics.notTheSides(capability, side, fault);
      return;
    }
    this.#metrics.count(capability, side, outcome);
    if (capability !== '') this.tally.add(capability, side, outcome, from);
  }

  /** Counts whether a request of a capability has a user. */
  identified(capability: string, isWrite: boolean, identity: Identity): void {
    this.identities.add(capability, isWrite, identity);
    if ('lack' in identity) this.#metrics.withoutUser(capability, isWrite, identity.lack);
  }

  /** Counts a write that its side’s fence refused. */
  fenced(capability: string, side: Side, result: Fenced): void {
    this.#metrics.fenced(capability, side, result);
  }

  began(): void {
    this.#underWay++;
  }

  /** Goes on once something is known; a request that waits for it is under way. */
  during<T>(known: Promise<T>, next: (known: T) => void): void {
    this.began();
    void known.then(next).finally(() => this.ended());
  }

  ended(): void {
    if (--this.#underWay === 0) this.#idle?.();
  }

  /** Waits at most `milliseconds` for the requests under way, also those whose client has gone; then cuts them. */
  async stop(milliseconds: number): Promise<void> {
    this.stopping = true;
    if (this.#underWay > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, milliseconds);
      this.#idle = resolve;
      await promise;
      clearTimeout(timer);
    }
    await this.shadow?.stop();
    await Promise.all([this.#monolith, ...this.#services.values()].map((upstream) => upstream.stop()));
  }
}
