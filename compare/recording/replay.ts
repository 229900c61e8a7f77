import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { PATIENT } from '../engine/budget.ts';
import { compareReplies, type Result, without } from '../engine/compare-replies.ts';
import { redactor } from '../redact/redact.ts';
import type { Failure, Reply } from '../reply/reply.ts';
import type { SuiteReport } from '../report/report.ts';
import { type RuleSet, ruleSet } from '../rules/rule-set.ts';
import type { Rule } from '../rules/rules.ts';
import { CaseLog } from '../suite/case-log.ts';
import { type Choice, chosen } from './chosen.ts';
import { EntryRedactor } from './entry-redactor.ts';
import type { HarEntry } from './har.ts';
import { isRead } from './is-read.ts';
import { playedOf } from './played.ts';
import type { Recorded, Recording } from './recording.ts';
import { redactionOf } from './redaction.ts';
import { ReplaySide, type Source } from './side.ts';
import { Slots } from './slots.ts';
import { Translation, type TranslationOptions } from './translation.ts';
import { NOBODY, usersOf } from './users.ts';

export interface ReplayOptions extends Choice {
  readonly rules?: RuleSet | readonly Rule[];
  /** Headers to compare beside those clients rely on everywhere. */
  readonly headers?: readonly string[];
  /** 1 is as fast as recorded, 2 twice as fast; `max` as fast as both sides answer. */
  readonly speed: number | 'max';
  /** Requests under way at once. */
  readonly concurrency: number;
  readonly known?: TranslationOptions['known'];
  readonly users?: TranslationOptions['users'];
  readonly idNames?: TranslationOptions['idNames'];
  /** Ends the replay early; what was played is reported. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly played: number;
  readonly of: number;
  readonly mismatches: number;
}

export interface ReplayReport {
  readonly report: SuiteReport;
  readonly played: number;
  readonly users: number;
  /** What was not played, and how many requests of it. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** By how many ms requests were sent later than they should have been, at most. */
  readonly behind: number;
  /** Milliseconds of every reply, ascending. */
  readonly oldTimes: Float64Array;
  readonly newTimes: Float64Array;
}

/**
 * Plays a recording against both sides and compares their replies. Requests are begun in the order they were sent in;
 * those of one user wait for each other, except that reads overlap which did, and for writes that name nobody and had
 * been answered before. Each side has its own tokens and ids.
 */
export async function replay(
  recording: Recording,
  old: Source,
  newer: Source,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const leftOut = new Map<string, number>();
  const entries = chosen(recording, [old, newer], options, leftOut);
  const run = new Run(recording, [old, newer], options);
  const played = await run.play(entries, usersOf(recording.entries));
  return { ...run.end(), played, leftOut };
}

/** Requests of one user that are under way. */
type UnderWay = { readonly done: Promise<void>; readonly read: boolean; readonly endedAt: number };

class Run {
  readonly #recording: Recording;
  readonly #sides: readonly [ReplaySide, ReplaySide];
  readonly #options: ReplayOptions;
  readonly #rules: RuleSet;
  readonly #log: CaseLog;
  readonly #users = new Set<string>();
  #behind = 0;
  /** The recording could not be read any more. */
  /** True if a side’s replies are those of the recording. */
  readonly #isStored: boolean;

  constructor(recording: Recording, [old, newer]: readonly [Source, Source], options: ReplayOptions) {
    this.#recording = recording;
    this.#options = options;
    this.#rules = ruleSet(options.rules ?? []);
    this.#log = new CaseLog(this.#rules);
    const translation = {
      known: options.known ?? new Map(),
      users: options.users ?? new Map(),
      idNames: options.idNames ?? new Set<string>(),
      run: randomUUID(),
    };
    // What is in the recording has no secrets; a live reply is brought to the same before the two are compared.
    const live = typeof old === 'object' && typeof newer === 'object';
    const known = new Map([...translation.known].map(([name, secret]) => [secret, name]));
    this.#isStored = !live;
    const keeper = live
      ? undefined
      : new EntryRedactor(
          redactor({ ...redactionOf(recording.note?.redacted ?? []), known }),
          Number.POSITIVE_INFINITY,
        );
    const stored = typeof old === 'string' && typeof newer === 'string';
    this.#sides = [
      new ReplaySide(old, new Translation(translation), keeper, stored),
      new ReplaySide(newer, new Translation(translation), keeper, stored),
    ];
  }

  async play(entries: readonly Recorded[], users: ReadonlyMap<number, string>): Promise<number> {
    const { signal, concurrency, onProgress } = this.#options;
    const slots = new Slots(concurrency);
    const underWay = new Map<string, Set<UnderWay>>();
    const began = performance.now();
    let played = 0;
    for (const entry of entries) {
      await this.#due(entry, entries[0]!, began);
      await slots.take();
      if (signal?.aborted) {
        slots.give();
        break;
      }
      const user = users.get(entry.position)!;
      this.#users.add(user);
      const others = underWay.get(user) ?? new Set();
      underWay.set(user, others);
      const { asReads = [] } = this.#options;
      const read = isRead(entry.method, entry.path, asReads);
      const before = [
        ...[...others].filter((one) => !(read && one.read && one.endedAt > entry.startedAt)),
        // A write of nobody may be anybody's: a registration, a webhook.
        ...[...(underWay.get(NOBODY) ?? [])].filter((one) => !one.read && one.endedAt <= entry.startedAt),
      ];
      const done = Promise.all(before.map((one) => one.done))
        .then(() => this.#playOne(entry, user, read))
        .catch((error: Error) =>
          this.#report(entry, without('not-comparable', `it cannot be played: ${error.message}`)),
        )
        .finally(() => {
          slots.give();
          others.delete(one);
          if (others.size === 0) underWay.delete(user);
          played++;
          onProgress?.({ played, of: entries.length, mismatches: this.#log.counts.mismatch });
        });
      const one = { done, read, endedAt: entry.endedAt };
      others.add(one);
    }
    await slots.allGiven();
    return played;
  }

  end(): Omit<ReplayReport, 'played' | 'leftOut'> {
    const [oldTimes, newTimes] = this.#sides.map(({ times }) => Float64Array.from(times).sort());
    return {
      report: this.#log.report(),
      users: this.#users.size,
      behind: this.#behind,
      oldTimes: oldTimes!,
      newTimes: newTimes!,
    };
  }

  /** Waits until it is this entry's time. */
  async #due(entry: Recorded, first: Recorded, began: number): Promise<void> {
    const { speed, signal } = this.#options;
    if (speed === 'max') return;
    const due = began + (entry.startedAt - first.startedAt) / speed;
    const early = due - performance.now();
    if (early > 0)
      await wait(early, undefined, { ...(signal && { signal }) }).catch(() => undefined); // aborted
    else this.#behind = Math.max(this.#behind, -early);
  }

  async #playOne(entry: Recorded, user: string, read: boolean): Promise<void> {
    const { method, path } = entry;
    const har = await this.#recording.read(entry);
    const played = playedOf(har);
    const asked = { user, path, isRead: read };
    const [old, newer] = await Promise.all(this.#sides.map((side) => side.reply(har, played, asked)));
    const missing = [old!, newer!].find((reply) => 'missing' in reply);
    if (missing) {
      this.#report(entry, without('not-comparable', missing.missing));
      return;
    }
    const replies = [old, newer] as readonly (Reply | Failure)[];
    this.#report(entry, this.#compare(har, replies[0]!, replies[1]!, { method, path }), ...replies);
  }

  #report({ position, method, path }: Recorded, result: Result, old?: Reply | Failure, newer?: Reply | Failure): void {
    this.#log.add({ name: `entry ${position}`, method, path, old: statusOf(old), new: statusOf(newer), result });
  }

  #compare(
    har: HarEntry,
    old: Reply | Failure,
    newer: Reply | Failure,
    asked: { method: string; path: string },
  ): Result {
    const was = har.response?.status ?? 0;
    const refused = 'status' in old && 'status' in newer && old.status === newer.status && old.status >= 400;
    // Two sides that lack the recording's data agree about everything.
    if (was > 0 && was < 400 && refused)
      return without('not-comparable', `recorded was ${was}, but now both sides answer ${old.status}`);
    const unchanged = [old, newer].filter((reply) => 'status' in reply && reply.status === 304).length;
    if (this.#isStored && unchanged === 1)
      return without(
        'not-comparable',
        'recorded was 304, the answer to a condition, and a live side is asked without it',
      );
    const { headers = [] } = this.#options;
    return compareReplies(old, newer, this.#rules, { headers, budget: PATIENT, asked });
  }
}

const statusOf = (reply: Reply | Failure | undefined) => (reply && 'status' in reply ? reply.status : undefined);
