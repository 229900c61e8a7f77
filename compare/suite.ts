import { auditRules } from './audit.ts';
import { PATIENT } from './budget.ts';
import { type Case, captureFrom, fillCase, type Variables, validateCases } from './case.ts';
import { compareReplies, isAgreed, RESULT_KINDS, type Result, type ResultKind } from './compare-replies.ts';
import { describeResult } from './describe.ts';
import { type Failure, type Reply, readReply } from './reply.ts';
import type { Report } from './report.ts';
import { routeName } from './route-name.ts';
import { type RuleSet, ruleSet } from './rule-set.ts';
import type { Rule } from './rules.ts';
import { Tally } from './tally.ts';
import { type OpenTarget, openTarget, type Target } from './target.ts';

export interface CaseReport {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** The statuses answered; undefined if there was no answer. */
  readonly old: number | undefined;
  readonly new: number | undefined;
  readonly result: Result;
}

export interface SuiteReport extends Report {
  /** True if every case is equal or equal by rule, and there is at least one. */
  readonly agreed: boolean;
  readonly cases: readonly CaseReport[];
  /** Rule id → how many differences it excused in the whole suite; 0 is a rule nobody needed. */
  readonly hits: Readonly<Record<string, number>>;
}

export interface SuiteOptions {
  readonly rules?: RuleSet | readonly Rule[];
  /** Headers to compare beside those clients rely on everywhere. */
  readonly headers?: readonly string[];
}

/** A side that has not answered by then (milliseconds) has failed. */
const CASE_TIMEOUT = 30_000;

/**
 * Sends the same cases to both sides, one after another, each to the old side first, and compares the replies.
 * Each side keeps its own captured variables; the rules' learned ids hold for the whole suite. Throws only for mistakes
 * in cases and rules; a side that fails is a result.
 */
export async function compareSuites(
  oldTarget: Target,
  newTarget: Target,
  cases: readonly Case[],
  options: SuiteOptions = {},
): Promise<SuiteReport> {
  validateCases(cases);
  const rules = ruleSet(options.rules ?? []);
  const old = await openTarget(oldTarget);
  try {
    const newer = await openTarget(newTarget);
    try {
      return await runCases(
        { target: old, variables: new Map() },
        { target: newer, variables: new Map() },
        cases,
        rules,
        options,
      );
    } finally {
      await newer.close();
    }
  } finally {
    await old.close();
  }
}

interface Side {
  readonly target: OpenTarget;
  readonly variables: Variables;
}

async function runCases(
  old: Side,
  newer: Side,
  cases: readonly Case[],
  rules: RuleSet,
  { headers = [] }: SuiteOptions,
): Promise<SuiteReport> {
  const reports: CaseReport[] = [];
  for (const wanted of cases) {
    const oldReply = await send(wanted, old);
    const newReply = await send(wanted, newer);
    reports.push({
      name: wanted.name,
      method: wanted.method,
      path: wanted.path,
      old: 'error' in oldReply ? undefined : oldReply.status,
      new: 'error' in newReply ? undefined : newReply.status,
      result: compareReplies(oldReply, newReply, rules, { headers, budget: PATIENT, asked: wanted }),
    });
  }
  return reportOf(reports, rules);
}

async function send(wanted: Case, { target, variables }: Side): Promise<Reply | Failure> {
  const filled = fillCase(wanted, variables);
  if ('missing' in filled)
    return { error: `no earlier reply of this side has yielded {${filled.missing.join('}, {')}}` };
  try {
    const response = await fetch(target.url + filled.path, {
      method: wanted.method,
      headers: filled.headers,
      body: filled.body ?? null,
      redirect: 'manual',
      signal: AbortSignal.timeout(CASE_TIMEOUT),
    });
    const reply = await readReply(response);
    captureFrom(reply, wanted, variables);
    return reply;
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: Error }; // fetch says only "fetch failed", its cause why
    return { error: cause ? `${message}: ${cause.message}` : message, timeout: name === 'TimeoutError' };
  }
}

function reportOf(cases: readonly CaseReport[], rules: RuleSet): SuiteReport {
  const counts = Object.fromEntries(RESULT_KINDS.map((kind) => [kind, 0])) as Record<ResultKind, number>;
  for (const { result } of cases) counts[result.kind]++;
  const agreed = cases.length > 0 && counts.equal + counts['equal-by-rule'] === cases.length;
  const tally = new Tally();
  for (const { name, method, path, result } of cases) tally.add({ route: routeName(method, path), result, at: name });
  return { agreed, counts, cases, hits: rules.hits, tally: tally.report(), findings: auditRules(rules) };
}

/** A suite's report as lines for a person: the counts, then each case that does not agree. */
export function describeSuite(report: SuiteReport): string {
  const counts = Object.entries(report.counts).filter(([, count]) => count > 0);
  const lines = [`${report.cases.length} cases: ${counts.map(([kind, count]) => `${count} ${kind}`).join(', ')}`];
  for (const { name, method, path, result } of report.cases) {
    if (isAgreed(result.kind)) continue;
    lines.push('', `${name} (${method} ${path})`, describeResult(result));
  }
  return lines.join('\n');
}
