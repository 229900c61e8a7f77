import { BUCKETS, type Capability, type Counts, type Verdict } from '@strangler/plan';
import type { Logger } from 'pino';
import { EvidenceWindow } from './evidence.ts';
import { judge } from './judge.ts';
import { type RampEvent, transition } from './ramp.ts';
import type { CapabilityState } from './state.ts';

/** What the judge is of, and what it may do. */
type Host = {
  readonly name: string;
  readonly plan: Capability;
  readonly log: Logger;
  readonly state: () => CapabilityState;
  /** True if nothing keeps users from moving forward. */
  readonly isOpen: () => boolean;
  /** Lets something happen to the ramp, in the judge’s name. */
  readonly happen: (event: (state: CapabilityState) => RampEvent, inputs: object) => Promise<void>;
  /** Both sides are bad alike: a person should look. */
  readonly alert: (reason: string, inputs: object) => void;
};

/** What has alarmed once alarms again only after it has been quiet for so long, or in another step, ms. */
const QUIET_MS = 600_000;

/** Looks at what proxies have counted, again and again, and acts on the verdict. */
export class JudgeLoop {
  readonly #host: Host;
  readonly #evidence: EvidenceWindow;
  #verdict: Verdict = { verdict: 'unsure', rule: 'few-requests', reason: 'nothing has been counted yet' };
  #acting = false;
  /** When each rule last alarmed, whether anybody was told or not, ms. */
  readonly #alarmedAt = new Map<Verdict['rule'], number>();
  #dwell = { since: '', from: performance.now() };
  #passingSince: number | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#evidence = new EvidenceWindow(host.plan.guard.errors);
  }

  /** The last one. */
  get verdict(): Verdict {
    return this.#verdict;
  }

  /** Takes in what a proxy counted. */
  count(counts: Counts): void {
    this.#evidence.add(counts, performance.now());
  }

  /** Forgets everything: another step, another mixture of users. */
  restart(): void {
    this.#evidence.restart();
    this.#alarmedAt.clear();
    this.#passingSince = undefined;
  }

  /** One look, and whatever follows from it. */
  async tick(): Promise<void> {
    const { plan, name, log, state } = this.#host;
    const now = performance.now();
    const evidence = this.#evidence.read(now, state().boundary === BUCKETS);
    const found = plan.routes.length
      ? judge(evidence, plan.guard)
      : ({ verdict: 'pass', rule: 'no-routes', reason: 'no requests belong to it' } as const);
    this.#verdict = { verdict: found.verdict, rule: found.rule, reason: found.reason };
    const dwelt = this.#dwelt(now);
    if (found.verdict === 'pass') this.#passingSince ??= now;
    else this.#passingSince = undefined;
    if (this.#acting) return;
    this.#acting = true;
    const { errors, hardFailures, minimumRequests } = plan.guard;
    const inputs = { evidence, thresholds: { errors, hardFailures, minimumRequests }, verdict: this.#verdict };
    const isServed = servesAnybody(state());
    try {
      await this.#act(isServed, now, dwelt, inputs);
      if ('alert' in found && isServed) this.#alarm(now, inputs);
    } catch (error) {
      log.error({ err: error, capability: name }, 'the judge could not act; it tries again');
    } finally {
      this.#acting = false;
    }
  }

  async #act(isServed: boolean, now: number, dwelt: number, inputs: object): Promise<void> {
    const { state, isOpen, happen } = this.#host;
    const { verdict, rule, reason } = this.#verdict;
    if (verdict === 'fail' && isServed) {
      await happen(() => ({ type: 'rollback', urgent: true, reason: `${rule}: ${reason}` }), inputs);
    } else if (state().ramp.state === 'ramping') {
      const open = isOpen();
      const passing = this.#passingSince === undefined ? undefined : now - this.#passingSince;
      const judged = ({ boundary }: CapabilityState): RampEvent => ({
        ...{ type: 'judged', passing, dwelt, open, at: boundary },
      });
      if (transition(state(), judged(state()), '')) await happen(judged, inputs);
    }
  }

  /** What comes and goes alarms once. */
  #alarm(now: number, inputs: object): void {
    const { rule, reason } = this.#verdict;
    const isNew = now - (this.#alarmedAt.get(rule) ?? Number.NEGATIVE_INFINITY) > QUIET_MS;
    this.#alarmedAt.set(rule, now);
    if (isNew) this.#host.alert(reason, inputs);
  }

  /** How long the present step has been watched by this control, ms. */
  #dwelt(now: number): number {
    const { ramp } = this.#host.state();
    if (ramp.state !== 'ramping') this.#dwell = { since: '', from: now };
    else if (ramp.since !== this.#dwell.since) this.#dwell = { since: ramp.since, from: now };
    return now - this.#dwell.from;
  }
}

const servesAnybody = ({ boundary, phase, desired }: CapabilityState): boolean =>
  boundary > 0 || phase !== 'idle' || Object.values(desired).includes('service');
