import { databaseTime, openSession, type Session, writeSurvey } from '@strangler/ledger';
import {
  askedOf,
  errorForLog,
  type Plan,
  type SurveyAnswer,
  type SurveyFinding,
  sayDuration,
  undeclaredIn,
} from '@strangler/plan';
import pino from 'pino';
import { startTicker } from '../capture/ticker.ts';
import { NEXT_STEP } from '../log/continuity.ts';
import { sleep } from '../sleep.ts';
import { CapturedChanges } from './captured-changes.ts';
import { ControlFeed, ControlRefusedError } from './control-feed.ts';
import type { SurveyedChange } from './explain.ts';
import { HeardWrites, TOLERANCE_MS } from './heard-writes.ts';
import { openSurveyLog } from './survey-log.ts';
import { type SurveyEvidence, type SurveyResult, SurveyTally } from './survey-tally.ts';

/** A survey prints what it finds; that a tick failed shows in there. */
const QUIET = pino({ level: 'silent', serializers: { err: errorForLog } });

/** How a survey is made. */
export type SurveyOptions = {
  /** How long, ms. */
  readonly milliseconds: number;
  /** Address of control, if it is not the Plan's control.listen. */
  readonly control?: string | undefined;
  /** Ends it early, with what was found so far. */
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** From now on changes are judged. */
  readonly onBegun?: () => void;
};

/** What was found of a capability, and how. */
export type SurveyReport = SurveyResult & {
  /** ISO 8601. */
  readonly begun: string;
  readonly milliseconds: number;
  /** Unexplained changes that the Plan does not declare: what keeps everybody on the monolith. */
  readonly undeclared: number;
  /** What was in the way of the survey, in sentences. */
  readonly notes: readonly string[];
};

const FOR_EVER = Number.POSITIVE_INFINITY;
const POLL_MS = 300;
const SAY_MS = 5_000;
/** Control may be taken over by another one just now, ms. */
const CONTROL_WITHIN_MS = 15_000;
const TICK_MS = 500;
/** Proxies tell, and the log comes, within so much of the start. */
const READY_WITHIN_MS = 60_000;
/** Writes that were under way when proxies began to tell are not known; most have ended after so long, ms. */
const WARM_UP_MS = 2_000;
/** What was committed in time has come through the log by so long after the end. */
const LOG_WITHIN_MS = 30_000;
/** How long writes are remembered behind the newest change, ms. */
const REMEMBERED_MS = 10 * TOLERANCE_MS;

/**
 * Asks of every captured change of these capabilities' rows: was a write of the row's user under way? It looks at the
 * monolith's log and at what proxies tell control of requests, changes nothing, and keeps the result in the ledger.
 */
export async function survey(
  plan: Plan,
  capabilities: readonly string[],
  options: SurveyOptions,
): Promise<SurveyReport[]> {
  const session = await openSession(plan.monolith.database!.applier, 'reader');
  try {
    const all = [];
    for (const capability of capabilities) {
      const changes = await CapturedChanges.open(session, plan, capability);
      all.push({ changes, tally: new SurveyTally(capability, changes.tables.keys()) });
    }
    const running = new RunningSurvey(plan, all, session, options);
    return await running.run();
  } finally {
    await session.close();
  }
}

type Surveying = { readonly changes: CapturedChanges; readonly tally: SurveyTally };

class RunningSurvey {
  readonly #plan: Plan;
  readonly #all: readonly Surveying[];
  readonly #session: Session;
  readonly #options: SurveyOptions;
  readonly #feed: ControlFeed;
  readonly #heard = new HeardWrites();
  readonly #notes = new Set<string>();
  /** Changes whose writes may not all have been heard yet, in the log's order. */
  #waiting: { readonly tally: SurveyTally; readonly change: SurveyedChange }[] = [];
  /** How far control's clock is ahead of the database's, ms. */
  #ahead = 0;
  #tells = false;
  /** The log has come so far, ms since 1970 by control's clock. */
  #logAt = Number.NEGATIVE_INFINITY;
  #judging = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  #failure: Error | undefined;
  /** Why control has not answered. */
  #failedWith: Error | undefined;

  constructor(plan: Plan, all: readonly Surveying[], session: Session, options: SurveyOptions) {
    this.#plan = plan;
    this.#all = all;
    this.#session = session;
    this.#options = options;
    this.#feed = new ControlFeed(plan, options.control);
  }

  async run(): Promise<SurveyReport[]> {
    const { signal, milliseconds, progress } = this.#options;
    const begun = await databaseTime(this.#session);
    progress('asking control and the monolith’s log');
    await this.#measure();
    const hooks = {
      onRows: async (transaction: string, rows: Parameters<CapturedChanges['in']>[1]) => {
        for (const { changes, tally } of this.#all) {
          for (const change of await changes.in(transaction, rows, this.#ahead)) this.#waiting.push({ tally, change });
        }
      },
      onTick: (at: number) => {
        this.#logAt = at + this.#ahead;
      },
      onEnd: (error: Error) => {
        this.#failure ??= new Error(error.message.replace(NEXT_STEP, 'Run the survey again'), { cause: error });
      },
    };
    const closeLog = await openSurveyLog(this.#plan, hooks, signal);
    const stopTicks = startTicker(this.#plan.monolith.database!.applier, TICK_MS, QUIET);
    try {
      await this.#until(
        READY_WITHIN_MS,
        signal,
        () => this.#tells && this.#logAt > 0,
        () => this.#whyNotReady(),
      );
      const from = this.#heard.now + WARM_UP_MS;
      this.#judging = { from, to: from + milliseconds };
      await this.#until(FOR_EVER, signal, () => this.#heard.now >= from);
      if (!signal.aborted) this.#options.onBegun?.();
      await this.#until(FOR_EVER, signal, () => this.#heard.until >= this.#judging.to);
      const to = Math.min(this.#judging.to, this.#failure ? this.#logAt : this.#heard.now);
      this.#judging = { from, to };
      if (this.#failure)
        this.#note(`the survey ended when the log could not be read any more: ${this.#failure.message}`);
      const rest = AbortSignal.timeout(LOG_WITHIN_MS);
      await this.#until(FOR_EVER, rest, () => this.#logAt >= to && this.#heard.until >= to);
      if (this.#logAt < to && !this.#failure)
        this.#note('the log had not come through to the end of the survey; its last changes are missing');
      this.#judge(Number.POSITIVE_INFINITY);
      return await this.#report(begun, Math.max(0, to - from));
    } finally {
      await stopTicks();
      await closeLog();
    }
  }

  /**
   * Hears and judges until this holds, the signal says to stop, or the log has come to an end; throws that if nothing has
   * been judged yet.
   */
  async #until(within: number, signal: AbortSignal, holds: () => boolean, why = () => ''): Promise<void> {
    let saidAt = Date.now();
    for (const end = Date.now() + within; !signal.aborted && !holds(); ) {
      await sleep(POLL_MS, signal);
      await this.#hear();
      if (this.#failure && !(this.#heard.now >= this.#judging.from)) throw this.#failure;
      if (this.#failure) return;
      this.#judge(this.#heard.until);
      if (Date.now() > end) throw new Error(why());
      if (Date.now() - saidAt < SAY_MS) continue;
      saidAt = Date.now();
      this.#options.progress(this.#sayProgress());
    }
  }

  async #hear(): Promise<void> {
    try {
      const answer = await this.#feed.next();
      this.#tells = this.#heard.take(answer, (write) => {
        for (const { tally } of this.#all) tally.heard(write);
      });
      const silent = answer.proxies.filter(({ tells }) => !tells).map(({ proxy }) => proxy);
      if (this.#judging.from !== Number.POSITIVE_INFINITY && silent.length)
        this.#note(
          `proxy ${silent.join(', ')} did not tell of its writes for a while; changes of that time were left out`,
        );
      if (answer.missed) this.#note('more writes came than could be kept; changes of that time were left out');
    } catch (error) {
      if (error instanceof ControlRefusedError) throw error;
      if (this.#judging.from === Number.POSITIVE_INFINITY) this.#failedWith = error as Error;
      this.#note('control did not answer for a while; changes of that time were left out');
    }
  }

  #whyNotReady(): string {
    if (this.#failedWith && !this.#tells) return this.#failedWith.message;
    return this.#tells
      ? 'nothing comes through the monolith’s log; does Kafka Connect run?'
      : 'no proxy tells of its writes, or not all do: start them, and dismiss those that do not run any more (strangler proxies)';
  }

  /** Compares the clocks of control, the database and ours. */
  async #measure(): Promise<void> {
    await this.#firstAnswer(); // connects
    const control = await aheadOfUs(async () => (await this.#firstAnswer()).now);
    const database = await aheadOfUs(async () => Date.parse(await databaseTime(this.#session)));
    this.#ahead = control - database;
  }

  async #firstAnswer(): Promise<SurveyAnswer> {
    for (const end = Date.now() + CONTROL_WITHIN_MS; ; ) {
      try {
        return await this.#feed.next();
      } catch (error) {
        if (error instanceof ControlRefusedError || Date.now() > end || this.#options.signal.aborted) throw error;
        await sleep(POLL_MS, this.#options.signal);
      }
    }
  }

  /** Judges the changes made before; those outside of the survey's time are left out. */
  #judge(before: number): void {
    const { from, to } = this.#judging;
    const ready = this.#waiting.filter(({ change }) => change.at.to < before);
    if (!ready.length) return;
    this.#waiting = this.#waiting.filter(({ change }) => change.at.to >= before);
    for (const { tally, change } of ready) {
      if (change.at.from >= from && change.at.to <= to) tally.add(change, this.#heard);
    }
    const last = ready.at(-1)!.change.at.from;
    this.#heard.forget(Math.min(last, this.#waiting[0]?.change.at.from ?? last, this.#logAt) - REMEMBERED_MS);
  }

  #note(note: string): void {
    this.#notes.add(note);
  }

  #sayProgress(): string {
    const left = this.#judging.to - this.#heard.until;
    const rest = Number.isFinite(left) && left > 0 ? `; ${sayDuration(left)} left, Ctrl-C ends it` : '';
    return this.#all
      .map(({ tally }) => {
        const { changes, explained } = tally.counts;
        return `${changes} changes, ${explained} explained by a request of the row’s user${rest}`;
      })
      .join(' · ');
  }

  async #report(begun: string, milliseconds: number): Promise<SurveyReport[]> {
    const session = await openSession(this.#plan.monolith.database!.applier, 'reader'); // the other one still reads owners
    try {
      return await this.#keep(session, begun, milliseconds);
    } finally {
      await session.close();
    }
  }

  async #keep(session: Session, begun: string, milliseconds: number): Promise<SurveyReport[]> {
    const reports: SurveyReport[] = [];
    for (const { tally } of this.#all) {
      const result = tally.finish(this.#heard, milliseconds);
      const { capability, tables, unexplained, unknown } = result;
      const judged = result.changes - unknown;
      const asked = askedOf(this.#plan.capabilities[capability]!);
      const detail = { tables, findings: kindsOf(result.findings), unknown, asked };
      const undeclared = undeclaredIn(this.#plan.capabilities[capability]!.tables, detail);
      // One that has seen nothing counts for nothing, and takes away nothing of the one before.
      if (judged) await writeSurvey(session, { capability, begun, changes: judged, unexplained, detail });
      reports.push({
        ...result,
        ...{ begun, milliseconds, notes: [...this.#notes] },
        undeclared: undeclared.reduce((sum, { count }) => sum + count, 0),
      });
    }
    return reports;
  }
}

/** How often a clock is asked. */
const SAMPLES = 5;

/** How far a clock is ahead of ours, ms: as the answer says that was on its way for the shortest time. */
async function aheadOfUs(ask: () => Promise<number>): Promise<number> {
  let found = { ahead: 0, took: Number.POSITIVE_INFINITY };
  for (let nth = 0; nth < SAMPLES; nth++) {
    const sent = Date.now();
    const there = await ask();
    const took = Date.now() - sent;
    if (took < found.took) found = { ahead: there - (sent + took / 2), took };
  }
  return found.ahead;
}

/** What control needs of the findings: each kind once, whichever request it was. */
function kindsOf(findings: readonly SurveyEvidence[]): SurveyFinding[] {
  const kinds = new Map<string, SurveyFinding>();
  for (const { table, op, columns, cause, count } of findings) {
    const name = JSON.stringify([table, op, cause, ...columns]);
    kinds.set(name, { table, op, columns, cause, count: count + (kinds.get(name)?.count ?? 0) });
  }
  return [...kinds.values()];
}
