import type { FlagStore } from '@strangler/flags';
import {
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
  sideOf,
  subjectHolds,
  whyNotAt,
} from '@strangler/plan';
import type { Logger } from 'pino';
import { statusOf } from './capability-status.ts';
import { Comparisons } from './comparisons.ts';
import { type Ask, ConfirmationAnswers } from './confirmations.ts';
import { CorrectionAlerts } from './corrections.ts';
import { FlagFollower } from './flag-follower.ts';
import { type HandoffParts, RETRY_MS, type Timings } from './handoff-parts.ts';
import { isUrgent, type Move, movesOf } from './handoff-state.ts';
import { Identities } from './identities.ts';
import { JudgeLoop } from './judge-loop.ts';
import { isDone, type KeyedRequest, remembering } from './keyed-request.ts';
import { MoveGates, waitsFor } from './move-gates.ts';
import { Notify } from './notify.ts';
import { type RampEvent, type RampTransition, transition } from './ramp.ts';
import { RecentWriters } from './recent-writers.ts';
import { Reconciler } from './reconcile.ts';
import { settleForced } from './settlement.ts';
import type { CapabilityState } from './state.ts';
import type { InSameTransaction } from './store.ts';
import { type Stored, type StoredState, SupersededError } from './stored-state.ts';
import type { SyncWatch } from './sync-watch.ts';
import { checkSeen, givenUp, NotNow, pinned, ramped } from './wanted.ts';
import type { Webhook } from './webhook.ts';

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
  readonly onMoved: (timings: Timings) => void;
  /** This control may decide nothing any more. */
  readonly onSuperseded: (error: Error) => void;
};

/** By how much a lag may understate what has arrived: ticks and reports come a few times a second, ms. */
const ARRIVAL_SLACK_MS = 2_000;

/** Ramp, judge and handoffs of one capability, while this control is the active one. */
export class CapabilityControl {
  /** Of the replies of both sides. */
  readonly comparisons = new Comparisons();
  readonly identities = new Identities();
  readonly #parts: CapabilityParts;
  readonly #cell: StoredState;
  readonly #handoffs: HandoffParts;
  readonly #judge: JudgeLoop;
  readonly #gates: MoveGates;
  readonly #writers = new RecentWriters();
  readonly #stopping = new AbortController();
  readonly #confirmations: ConfirmationAnswers | undefined;
  #settling: Promise<void> = Promise.resolve();
  #findingOut: Promise<void> | undefined;
  readonly #walk: Reconciler;
  readonly #flag: FlagFollower;
  readonly #corrections = new CorrectionAlerts();
  #released = 0;

  constructor(parts: CapabilityParts) {
    this.#parts = parts;
    this.#cell = parts.handoffs.cell;
    const release = (epoch: number) => {
      this.#released = epoch;
      parts.handoffs.proxies.publish();
    };
    const atRisk = (subject: Subject) =>
      this.#writers.among((user) =>
        subjectHolds(subject, user, this.#bucket(user), isPinned(this.#cell.current, user)),
      );
    this.#handoffs = { ...parts.handoffs, release, atRisk };
    const { cell, sides, onError } = parts.handoffs;
    const bucket = (user: string) => this.#bucket(user);
    if (sides) this.#confirmations = new ConfirmationAnswers(cell, sides, bucket, onError, parts.plan.handoff.hold);
    const { name, plan, sync, log } = parts;
    // A control that has state is not the first: writes sent under the one before may still be under way.
    const restartedAt = cell.current.version ? performance.now() : Number.NEGATIVE_INFINITY;
    const { comparisons, identities } = this;
    this.#gates = new MoveGates({
      name,
      plan,
      sync,
      proxies: parts.handoffs.proxies,
      comparisons,
      identities,
      restartedAt,
    });
    this.#judge = new JudgeLoop({
      ...{ name, plan, log },
      state: () => cell.current,
      isOpen: () => !this.gates().length,
      happen: (event, inputs) => this.transition(event, { actor: 'judge', inputs }),
      alert: (reason, inputs) =>
        this.#alert(reason, inputs, 'the verdict needs somebody to look at it; nobody is moved'),
    });
    this.#walk = new Reconciler(this.#handoffs, parts.plan.handoff.slice, {
      bucket,
      leavesBehind: plan.split === 'users',
      look: () => {
        const gates = this.#gates.look(cell.current);
        // Where no users are split, names follow at once: nobody’s requests go with them.
        const isName = ({ subject }: Move) => plan.split === 'none' && subject.user !== undefined;
        return (move) => !isName(move) && gates.of(move).length > 0;
      },
      arrived: () => this.transition((state) => this.#arrived(state), { actor: 'control' }),
      onMoved: parts.onMoved,
      onSuperseded: parts.onSuperseded,
    });
    const follow = (percentage: number) => {
      const reason = `the flag was moved to ${percentage} %`;
      return this.transition(() => ({ type: 'flag', percentage, reason }), { actor: 'flag', inputs: { percentage } });
    };
    const whyNot = (percentage: number) => whyNotAt(plan, percentage);
    this.#flag = new FlagFollower(parts.name, this.#cell, parts.flags, parts.log, follow, whyNot);
  }

  /** What proxies are told. */
  snapshot(): CapabilitySnapshot {
    const { boundary, moving } = this.#cell.current;
    // Where no users are split, a name is of nobody who asks.
    const pins = this.#parts.plan.split === 'users' ? this.#cell.current.pins : {};
    return { boundary, pins, ...(moving && moving.epoch !== this.#released && { moving }) };
  }

  /** Takes in what a proxy counted. */
  count(counts: Counts): void {
    this.#judge.count(counts);
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
      if (result && 'refused' in result) throw new NotNow(result.refused);
      taken = result;
      from = state.boundary / 100;
      return result ? ramped(state, result) : state;
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
      if (event !== 'pause' && event !== 'complete') this.#judge.restart();
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
      return pinned(state, user, side);
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
      return givenUp(state, lostAt);
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
        if (error instanceof SupersededError) return this.#parts.onSuperseded(error);
        await pause.wait(RETRY_MS, signal);
      }
    }
  }

  /** A proxy asks whether what a user has written on the service is on the monolith too. */
  confirm(ask: Ask): void {
    this.#confirmations?.ask(ask);
  }

  /** One look of the judge, and whatever follows from it. */
  async tick(): Promise<void> {
    this.#forgetArrived();
    this.#alertOfCorrections();
    await this.#judge.tick();
  }

  /** What keeps users from moving forward now. */
  gates(): readonly string[] {
    return this.#gates.look(this.#cell.current).forward;
  }

  /** Everything an operator asks about. */
  status(): CapabilityStatus {
    const { name, sync, flags } = this.#parts;
    const state = this.#cell.current;
    const gates = this.#gates.look(state);
    return statusOf(state, {
      name,
      tables: this.#parts.plan.tables,
      flag: flags.read(name)?.percentage ?? null,
      flagProblem: flags.problem(name) ?? this.#flag.problem,
      verdict: this.#judge.verdict,
      gates: gates.forward,
      waitsFor: waitsFor(state, gates, this.#movesOf(state), (move) => this.#walk.isHeldByUsers(move)),
      report: sync?.latest(),
      withoutUser: this.identities.read(performance.now()),
    });
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
    this.#writers.forget(sync.readAt() - stream.silent - stream.lag - ARRIVAL_SLACK_MS);
  }

  #bucket(user: string): number {
    return bucketOf(this.#parts.group, user);
  }

  /** Everybody is where they are wanted; undefined if something else was wanted meanwhile. */
  #arrived(state: CapabilityState): RampEvent | undefined {
    return state.phase !== 'idle' || this.#movesOf(state).length ? undefined : { type: 'arrived', at: state.boundary };
  }

  #movesOf(state: CapabilityState): readonly Move[] {
    return [...movesOf(state, this.#parts.plan.handoff.slice, (user) => this.#bucket(user))];
  }

  /** What the sync has overwritten, superseded or applied late is told once for each batch. */
  #alertOfCorrections(): void {
    const report = this.#parts.sync?.latest();
    if (!report || report.unreadable.length) return;
    const fresh = this.#corrections.look(report.corrections, performance.now());
    if (!fresh.length) return;
    const each = fresh.map(({ cause, direction, rows }) => `${cause} (${direction}, ${rows} so far)`).join(', ');
    const reason = `rows were overwritten, superseded or written late: ${each}; look: strangler status`;
    this.#alert(reason, { corrections: fresh }, 'rows need somebody to look at them');
  }

  #alert(reason: string, inputs: object, message: string): void {
    const { name, webhook, log } = this.#parts;
    log.warn({ capability: name, reason }, message);
    const from = this.#cell.current.boundary / 100;
    webhook.tell({ event: 'alert', capability: name, from, reason, evidence: inputs, at: new Date().toISOString() });
  }
}
