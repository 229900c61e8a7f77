import type { FlagStore } from '@strangler/flags';
import {
  afterHandoff,
  BUCKETS,
  bucketOf,
  type Capability,
  type CapabilitySnapshot,
  type CapabilityStatus,
  type Counts,
  isMoving,
  isPinned,
  type Owner,
  type Side,
  type Subject,
  sayDuration,
  sideOf,
  subjectHolds,
  type Verdict,
} from '@strangler/plan';
import type { Logger } from 'pino';
import { Comparisons } from './comparisons.ts';
import { type Ask, Confirmations } from './confirmations.ts';
import { EvidenceWindow } from './evidence.ts';
import { FlagFollower } from './flag-follower.ts';
import { gatesOf } from './gates.ts';
import { AGAIN, type HandoffParts, saySubject, type Timings } from './handoff-parts.ts';
import { isFullOfNames, isUrgent, type Move, movesOf, settled } from './handoff-state.ts';
import { judge } from './judge.ts';
import { isDone, type KeyedRequest, remembering } from './keyed-request.ts';
import { Notify } from './notify.ts';
import { type RampEvent, type RampTransition, transition } from './ramp.ts';
import { lostProxies, unknownFor } from './readiness.ts';
import { RecentWriters } from './recent-writers.ts';
import { Reconciler } from './reconcile.ts';
import { settleForced } from './settlement.ts';
import type { CapabilityState, Wish } from './state.ts';
import type { InSameTransaction } from './store.ts';
import { type Stored, type StoredState, SupersededError } from './stored-state.ts';
import type { SyncWatch } from './sync-watch.ts';
import type { Webhook } from './webhook.ts';

/** What may not happen now, and why. */
export class Refusal extends Error {}

/** Who asks for a change, on what grounds, which `edit` they have seen, if that matters, and the key it is asked under. */
export type Asker = {
  readonly actor: string;
  readonly inputs?: object;
  readonly seen?: number | undefined;
  readonly request?: KeyedRequest | undefined;
};

/** What the control of one capability works with. */
export type CapabilityParts = {
  readonly name: string;
  readonly group: string;
  readonly plan: Capability;
  readonly handoffs: Omit<HandoffParts, 'release' | 'atRisk'>;
  readonly sync: SyncWatch | undefined;
  readonly flags: FlagStore;
  readonly webhook: Webhook;
  /** The time where state and verifies are kept, ISO 8601. */
  readonly now: () => Promise<string>;
  readonly log: Logger;
  /** Hears of every handoff done. */
  readonly moved: (timings: Timings) => void;
  /** This control may decide nothing any more. */
  readonly superseded: (error: Error) => void;
};

/** By how much a lag may understate what has arrived: ticks and reports come a few times a second, ms. */
const ARRIVAL_SLACK = 2_000;

/** Ramp, judge and handoffs of one capability, while this control is the active one. */
export class CapabilityControl {
  /** Of the replies of both sides. */
  readonly comparisons = new Comparisons();
  readonly #parts: CapabilityParts;
  readonly #cell: StoredState;
  readonly #handoffs: HandoffParts;
  readonly #evidence: EvidenceWindow;
  readonly #writers = new RecentWriters();
  readonly #stopping = new AbortController();
  readonly #confirmations: Confirmations | undefined;
  #settling: Promise<void> = Promise.resolve();
  #findingOut: Promise<void> | undefined;
  readonly #walk: Reconciler;
  readonly #flag: FlagFollower;
  /** A control that has state is not the first: writes sent under the one before may still be under way. */
  readonly #restartedAt: number;
  #released = 0;
  #verdict: Verdict = { verdict: 'unsure', rule: 'few-requests', reason: 'nothing has been counted yet' };
  #judging = false;
  #alerted = false;
  #dwell = { since: '', from: performance.now() };

  constructor(parts: CapabilityParts) {
    this.#parts = parts;
    this.#cell = parts.handoffs.cell;
    this.#evidence = new EvidenceWindow(parts.plan.guard.errors);
    this.#restartedAt = this.#cell.current.version ? performance.now() : Number.NEGATIVE_INFINITY;
    const release = (epoch: number) => {
      this.#released = epoch;
      parts.handoffs.proxies.publish();
    };
    const atRisk = (subject: Subject) =>
      this.#writers.among((user) =>
        subjectHolds(subject, user, this.#bucket(user), isPinned(this.#cell.current, user)),
      );
    this.#handoffs = { ...parts.handoffs, release, atRisk };
    const { cell, sides, trouble } = parts.handoffs;
    const bucket = (user: string) => this.#bucket(user);
    if (sides) this.#confirmations = new Confirmations(cell, sides, bucket, trouble, parts.plan.handoff.hold);
    this.#walk = new Reconciler(this.#handoffs, parts.plan.handoff.slice, {
      bucket,
      look: () => this.#look(),
      arrived: () => this.transition((state) => this.#arrived(state), { actor: 'control' }),
      moved: parts.moved,
      superseded: parts.superseded,
    });
    this.#flag = new FlagFollower(parts.name, this.#cell, parts.flags, parts.log, (percentage) => {
      const reason = `the flag was moved to ${percentage} %`;
      return this.transition(() => ({ type: 'flag', percentage, reason }), { actor: 'flag', inputs: { percentage } });
    });
  }

  /** What proxies are told. */
  snapshot(): CapabilitySnapshot {
    const { boundary, pins, moving } = this.#cell.current;
    return { boundary, pins, ...(moving && moving.epoch !== this.#released && { moving }) };
  }

  /** Takes in what a proxy counted. */
  count(counts: Counts): void {
    this.#evidence.add(counts, performance.now());
    this.#writers.add(counts.writers, performance.now());
  }

  /** The number two operators race for: grows with every change of what is wanted. */
  get edit(): number {
    return this.#cell.current.edit;
  }

  /**
   * Lets something happen to the ramp, unless `edit` is not what the asker has `seen`. Throws Refusal; then nothing has
   * changed. Or the store’s error: what was stored all the same takes effect as soon as that is known.
   */
  async transition(event: (state: CapabilityState) => RampEvent | undefined, by: Asker): Promise<void> {
    const { actor, inputs = {}, seen } = by;
    let taken: RampTransition | undefined;
    let from = 0;
    const change = (state: CapabilityState): CapabilityState => {
      checkSeen(state, seen);
      const happened = event(state);
      const result = happened && transition(state, happened, new Date().toISOString());
      if (result && 'refused' in result) throw new Refusal(result.refused);
      taken = result;
      from = state.boundary / 100;
      return result ? after(state, result) : state;
    };
    const capability = this.#parts.name;
    const recorded = (state: CapabilityState): InSameTransaction =>
      taken
        ? {
            record: {
              ...{ capability, event: taken.event, actor, reason: taken.reason },
              inputs: { ...inputs, boundary: state.boundary, target: state.target, ramp: state.ramp, edit: state.edit },
            },
          }
        : {};
    await this.#change(change, recorded, by, (state) => {
      if (!taken) return;
      const { event, reason, effects } = taken;
      if (event !== 'pause' && event !== 'complete') this.#evidence.restart();
      this.#flag.wake();
      this.#walk.wake(isUrgent(state));
      this.#parts.log.info({ capability, event, actor, reason }, 'transition');
      for (const effect of effects) {
        if (effect.kind !== 'webhook') continue;
        const at = new Date().toISOString();
        this.#parts.webhook.tell({ event, capability, from, reason: effect.reason, evidence: inputs, at });
      }
    });
  }

  /** Pins a user to a side, or lifts the pin (null). Throws Refusal. */
  async pin(user: string, side: Side | null, reason: string, by: Asker): Promise<void> {
    const { actor, seen } = by;
    const change = (state: CapabilityState): CapabilityState => {
      checkSeen(state, seen);
      if (side === null && !isWanted(state.wishes[user])) throw new Refusal(`${user} is not pinned`);
      if (side === 'service' && state.ramp.state === 'rolling-back') throw new Refusal('users are on their way back');
      return { ...state, wishes: { ...state.wishes, [user]: side ?? 'bucket' }, edit: state.edit + 1 };
    };
    const record = { capability: this.#parts.name, event: 'pin', actor, reason, inputs: { user, side } };
    await this.#change(change, { record }, by, () => this.#walk.wake(false));
  }

  /** Gives up the service’s database: what it had not handed over counts as lost. Throws Refusal. */
  async settleLost(reason: string, by: Asker): Promise<void> {
    const { actor, seen } = by;
    const lostAt = await this.#parts.now();
    let given: CapabilityState['unproven'] = [];
    const change = (state: CapabilityState): CapabilityState => {
      checkSeen(state, seen);
      given = state.unproven;
      if (!given.length) throw new Refusal('nothing is unproven: there is nothing to give up');
      if (state.phase !== 'idle') throw new Refusal('a handoff is under way; try again when it has ended');
      const epochs = given.map(({ epoch }) => epoch);
      return { ...settled(state, epochs), lostAt, edit: state.edit + 1 };
    };
    const capability = this.#parts.name;
    const recorded = (): InSameTransaction => ({
      record: { capability, event: 'given-up', actor, reason, inputs: { handoffs: given } },
    });
    await this.#change(change, recorded, by, () => {
      this.#parts.log.warn({ capability, actor, reason, handoffs: given }, 'the service’s database was given up');
    });
  }

  /** Forgets what comparing has found: the service, or the rules, are others now. */
  async forgetComparisons(by: Asker): Promise<void> {
    const { actor, inputs = {} } = by;
    const capability = this.#parts.name;
    const found = this.comparisons.found.replies.routes;
    const record = { capability, event: 'forget', actor, reason: 'comparisons begin again' };
    const forgotten = (state: CapabilityState) => ({ ...state, edit: state.edit + 1 });
    const also = { record: { ...record, inputs: { ...inputs, found } } };
    await this.#change(forgotten, also, by, () => this.comparisons.forget());
  }

  /** Throws KeyReused if this key was used here for something else. */
  checkKey(request: KeyedRequest): void {
    isDone(this.#cell.current.requests, request);
  }

  /**
   * Stores a change, and in the same write that its request was carried out; nothing if it had been before. `stored` is
   * what follows, also when the answer was lost and only a look at the store tells.
   */
  async #change(
    change: (state: CapabilityState) => CapabilityState,
    also: InSameTransaction | ((state: CapabilityState) => InSameTransaction),
    { request }: Asker,
    stored: Stored,
  ): Promise<void> {
    const once = (state: CapabilityState): CapabilityState => {
      if (!request) return change(state);
      if (isDone(state.requests, request)) return state;
      return { ...change(state), requests: remembering(state.requests, request, Date.now()) };
    };
    try {
      await this.#cell.update(once, also, stored);
    } catch (error) {
      if (this.#cell.unsure) {
        this.#findingOut ??= this.#findOut().finally(() => {
          this.#findingOut = undefined;
        });
      }
      throw error;
    }
  }

  /** Whether a change without an answer was stored: found out, however long it takes, and if not it is refused from then on. */
  async #findOut(): Promise<void> {
    const { signal } = this.#stopping;
    const pause = new Notify();
    while (!signal.aborted) {
      try {
        await this.#cell.fence();
        return;
      } catch (error) {
        if (error instanceof SupersededError) return this.#parts.superseded(error);
        await pause.wait(AGAIN, signal);
      }
    }
  }

  /** A proxy asks whether what a user has written on the service is on the monolith too. */
  confirm(ask: Ask): void {
    this.#confirmations?.ask(ask);
  }

  /** One look of the judge, and whatever follows from it. */
  async tick(): Promise<void> {
    const { plan, name, log } = this.#parts;
    const now = performance.now();
    const evidence = this.#evidence.read(now, this.#cell.current.boundary === BUCKETS);
    const found = plan.routes.length
      ? judge(evidence, plan.guard)
      : ({ verdict: 'pass', rule: 'no-routes', reason: 'no requests belong to it' } as const);
    this.#forgetArrived();
    this.#verdict = { verdict: found.verdict, rule: found.rule, reason: found.reason };
    const { ramp, boundary, wishes, phase } = this.#cell.current;
    if (ramp.state !== 'ramping') this.#dwell = { since: '', from: now };
    else if (ramp.since !== this.#dwell.since) this.#dwell = { since: ramp.since, from: now };
    if (this.#judging) return;
    this.#judging = true;
    const { errors, hardFailures, minimumRequests } = plan.guard;
    const inputs = { evidence, thresholds: { errors, hardFailures, minimumRequests }, verdict: this.#verdict };
    try {
      const served = boundary > 0 || phase !== 'idle' || Object.values(wishes).includes('service');
      if (found.verdict === 'fail' && served) {
        const reason = `${found.rule}: ${found.reason}`;
        await this.transition(() => ({ type: 'rollback', urgent: true, reason }), { actor: 'judge', inputs });
      } else if (ramp.state === 'ramping') {
        const dwelt = now - this.#dwell.from;
        const open = !this.gates().length;
        const judged = (state: CapabilityState): RampEvent => ({
          ...{ type: 'judged', verdict: found.verdict, dwelt, open, at: state.boundary },
        });
        if (transition(this.#cell.current, judged(this.#cell.current), ''))
          await this.transition(judged, { actor: 'judge', inputs });
      }
      const alert = 'alert' in found && served;
      if (alert && !this.#alerted) this.#alert(found.reason, inputs);
      this.#alerted = alert;
    } catch (error) {
      log.error({ err: error, capability: name }, 'the judge could not act; it tries again');
    } finally {
      this.#judging = false;
    }
  }

  /** What keeps users from moving forward now. */
  gates(): string[] {
    const { sync, plan } = this.#parts;
    const { lostAt, unproven } = this.#cell.current;
    const gates = gatesOf(plan, sync?.latest(), sync ? performance.now() - sync.readAt() : 0, lostAt);
    for (const { epoch, subject } of unproven) {
      const since = 'the service’s database has not confirmed it since';
      const lost = `if it is gone for good: strangler settle ${this.#parts.name} --lost`;
      gates.push(`${saySubject(subject)} came back by force (epoch ${epoch}), and ${since}; ${lost}`);
    }
    if (plan.compare.share > 0) gates.push(...this.comparisons.gates(plan.compare.limit));
    return [...gates, ...this.#reachGates()];
  }

  /** What keeps users from moving in order, forward or back: proxies that cannot be asked about their writes. */
  #reachGates(): string[] {
    const gates: string[] = [];
    const now = performance.now();
    for (const { proxy, lostAt } of this.#lost()) {
      const may = `proxy ${proxy} has had no link for ${sayDuration(now - lostAt)} and may be sending writes by what it last knew`;
      gates.push(`${may}; bring it back, or if it does not run any more: strangler proxies dismiss ${proxy}`);
    }
    const unknown = this.#unknownFor();
    if (unknown > 0 && !this.#lost().length) {
      const why = 'a proxy that is no more, or the control before this one, had writes under way; they may arrive for';
      gates.push(`${why} ${sayDuration(unknown)} more`);
    }
    return gates;
  }

  /** Everything an operator asks about. */
  status(): CapabilityStatus {
    const { name, sync, flags } = this.#parts;
    const state = this.#cell.current;
    const report = sync?.latest();
    const verified = report?.verified;
    const gates = this.gates();
    const flagProblem = flags.problem(name);
    return {
      capability: name,
      boundary: state.boundary,
      target: state.target,
      flag: flags.read(name)?.percentage ?? null,
      ...(flagProblem && { flagProblem }),
      epoch: state.epoch,
      phase: state.phase,
      ...(state.moving && { moving: state.moving }),
      unproven: state.unproven.map(({ owed: _, ...unproven }) => unproven),
      pins: Object.values(state.wishes).filter(isWanted).length,
      behind: Object.values(state.wishes).filter((wish) => wish === 'behind').length,
      ramp: state.ramp,
      verdict: this.#verdict,
      gates,
      waitsFor: this.#waitsFor(state, gates),
      streams: (report?.streams ?? []).map(({ silent: _, ...stream }) => stream),
      backfill: report?.backfill ?? [],
      quarantine: report?.quarantine ?? { open: 0, settled: 0 },
      ...(verified && { verified: { at: verified.at, rows: verified.rows, mismatches: verified.mismatches } }),
    };
  }

  /** Who owns a user. */
  owner(user: string): Owner {
    const bucket = this.#bucket(user);
    const { moving, ...ownership } = this.snapshot();
    const side = sideOf(ownership, user, bucket);
    return { capability: this.#parts.name, user, bucket, side, moving: isMoving(ownership, moving, user, bucket) };
  }

  /** Begins: first whatever a crash has left, then walking, then the flag. */
  start(): void {
    this.#walk.start();
    this.#flag.start();
    this.#settling = settleForced(this.#handoffs, this.#stopping.signal);
  }

  /** Finishes or cancels the handoff under way. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const ended = [this.#flag.stop(), this.#walk.stop(), this.#settling, this.#confirmations?.stop()];
    await Promise.all([...ended, this.#findingOut]);
    await this.#parts.sync?.stop();
  }

  /** What the stream from the service has brought since is not at risk any more. */
  #forgetArrived(): void {
    const { sync } = this.#parts;
    const stream = sync?.latest()?.streams.find(({ direction }) => direction === 'reverse');
    if (!sync || !stream || stream.lag === null) return;
    this.#writers.forget(sync.readAt() - stream.silent - stream.lag - ARRIVAL_SLACK);
  }

  #bucket(user: string): number {
    return bucketOf(this.#parts.group, user);
  }

  #unknownFor(): number {
    const { writeFate } = this.#parts.plan.handoff;
    const now = performance.now();
    const lost = unknownFor(this.#parts.handoffs.proxies.views(), writeFate, now);
    return Math.max(lost, this.#restartedAt + writeFate - now);
  }

  /** Registered proxies nobody can reach: while there are any, no orderly move begins, forward or back. */
  #lost() {
    return lostProxies(this.#parts.handoffs.proxies.views());
  }

  /** Everybody is where they are wanted; undefined if something else was wanted meanwhile. */
  #arrived(state: CapabilityState): RampEvent | undefined {
    return state.phase !== 'idle' || this.#movesOf(state).length ? undefined : { type: 'arrived', at: state.boundary };
  }

  #movesOf(state: CapabilityState): readonly Move[] {
    return [...movesOf(state, this.#parts.plan.handoff.slice, (user) => this.#bucket(user))];
  }

  /** Looks at the gates once: true of a move that may not begin. */
  #look(gates = this.gates(), reach = this.#reachGates()): (move: Move) => boolean {
    return (move) => !move.urgent && (this.#isForward(move) ? gates : reach).length > 0;
  }

  /** True of a move that takes somebody to the service who is not there. */
  #isForward({ subject: { lo, user }, to }: Move): boolean {
    return to === 'service' && (user === undefined || sideOf(this.#cell.current, user, lo) !== to);
  }

  /** What the moves that are wanted now wait for; nothing if one of them may begin. */
  #waitsFor(state: CapabilityState, gates: string[]): string[] {
    const reach = this.#reachGates();
    const blocked = this.#look(gates, reach);
    const moves = this.#movesOf(state);
    const [first] = moves;
    if (!first) return [];
    if (moves.every(blocked)) return this.#isForward(first) ? gates : reach;
    return isFullOfNames(state)
      ? [`writes under way: so many users are known by name that no more are left behind`]
      : [];
  }

  #alert(reason: string, inputs: object): void {
    const { name, webhook, log } = this.#parts;
    log.warn({ capability: name, reason }, 'both sides are failing; nobody is moved');
    const from = this.#cell.current.boundary / 100;
    webhook.tell({ event: 'alert', capability: name, from, reason, evidence: inputs, at: new Date().toISOString() });
  }
}

/** True of a wish that an operator has expressed. */
const isWanted = (wish: Wish | undefined): boolean => wish === 'monolith' || wish === 'service';

function checkSeen({ edit }: CapabilityState, seen: number | undefined): void {
  if (seen !== undefined && seen !== edit) throw new Refusal(`somebody else was faster: the version is now "${edit}"`);
}

/** Where the boundary will be when the handoff under way has ended. */
export function heading(state: CapabilityState): number {
  return state.phase === 'holding' ? afterHandoff(state, state.moving!).boundary : state.boundary;
}

/** The state after a transition of the ramp. A rollback takes the pinned users along. */
function after(state: CapabilityState, { wanted, event, effects }: RampTransition): CapabilityState {
  const written = effects.find((effect) => effect.kind === 'flag');
  const followed =
    event === 'flag' && !written ? { ...state.flag, agreed: wanted.target / 100, pending: null } : state.flag;
  const flag = written ? { ...state.flag, agreed: written.percentage, pending: written.reason } : followed;
  const back = Object.entries(state.wishes).map(([user, wish]) => [
    ...[user, wish === 'service' ? 'monolith' : wish === 'behind' ? 'bucket' : wish],
  ]);
  const wishes = event === 'rollback' ? Object.fromEntries(back) : state.wishes;
  return { ...state, ...wanted, wishes, flag, edit: state.edit + 1 };
}
