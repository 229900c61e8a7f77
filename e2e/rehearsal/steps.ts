import { bucketOf, type DecisionRecord } from '@strangler/plan';
import { type Input, userIdOf } from './input.ts';
import type { ShoppingTally } from './tally.ts';
import { readRecordsAfter, readStatus, type Watch } from './watch.ts';

/** What one step of the migration did, and what it cost. */
export type Step = {
  readonly name: string;
  readonly capability: string;
  readonly from: number;
  readonly boundary: number;
  readonly usersMoved: number;
  /** The last verdict control gave while the step was in force, with the counts it judged on. */
  readonly evidence: { readonly verdict: string; readonly rule: string; readonly reason: string };
  readonly handoffs: { readonly count: number; readonly pauseP50: number; readonly pauseMax: number };
  /** Milliseconds from the command to the boundary. */
  readonly took: number;
  readonly requests: number;
  readonly retries: number;
  readonly errors: number;
  readonly lag: { readonly p50: number; readonly p99: number };
};

/** The value below which `share` of the numbers lie; 0 of none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const pauseOf = (record: DecisionRecord): number => Number((record.inputs as { pauseMs?: number }).pauseMs ?? 0);

/** Opens a step when its command is given and closes it when the next one is. */
export class StepBook {
  readonly steps: Step[] = [];
  readonly #input: Input;
  readonly #tally: ShoppingTally;
  readonly #watch: Watch;
  #lastRecord = 0;

  constructor(input: Input, tally: ShoppingTally, watch: Watch) {
    this.#input = input;
    this.#tally = tally;
    this.#watch = watch;
  }

  /** Runs `command`, then `during` until the step is over, and keeps what happened meanwhile. */
  async take(
    name: string,
    capability: string,
    command: () => Promise<void>,
    during: () => Promise<void>,
  ): Promise<Step> {
    const boundary = async () => {
      const { capabilities } = await readStatus();
      return capabilities.find((one) => one.capability === capability)!;
    };
    const begun = Date.now();
    const before = {
      requests: this.#tally.requests,
      retries: this.#tally.retryTimes.length,
      errors: this.#tally.errors.length,
    };
    const { boundary: from } = await boundary();
    await command();
    const took = Date.now() - begun;
    await during();
    const now = await boundary();
    const records = await readRecordsAfter(this.#lastRecord);
    this.#lastRecord = records.at(-1)?.id ?? this.#lastRecord;
    const pauses = records.filter((one) => one.event === 'handoff' && one.capability === capability).map(pauseOf);
    const lags = this.#watch.lags.filter(({ at }) => at >= begun).map(({ lag }) => lag);
    const step: Step = {
      name,
      capability,
      from,
      boundary: now.boundary,
      usersMoved: this.#usersBetween(from, now.boundary),
      evidence: now.verdict,
      handoffs: { count: pauses.length, pauseP50: percentile(pauses, 0.5), pauseMax: Math.max(0, ...pauses) },
      took,
      requests: this.#tally.requests - before.requests,
      retries: this.#tally.retryTimes.length - before.retries,
      errors: this.#tally.errors.length - before.errors,
      lag: { p50: percentile(lags, 0.5), p99: percentile(lags, 0.99) },
    };
    this.steps.push(step);
    return step;
  }

  #usersBetween(a: number, b: number): number {
    const [lo, hi] = a < b ? [a, b] : [b, a];
    return this.#input.customers.filter((customer) => {
      const bucket = bucketOf('shop', String(userIdOf(customer)));
      return bucket >= lo && bucket < hi;
    }).length;
  }
}
