import { PATIENT } from '../engine/budget.ts';
import { compareReplies, isAgreed } from '../engine/compare-replies.ts';
import type { Failure, Reply } from '../reply/reply.ts';
import { describeResult } from '../report/describe.ts';
import { countsOf } from '../report/phrases.ts';
import { caseCount, type SuiteReport } from '../report/report.ts';
import { type RuleSet, ruleSet } from '../rules/rule-set.ts';
import type { Rule } from '../rules/rules.ts';
import { ask } from './ask.ts';
import { type Case, captureFrom, fillCase, type Variables, validateCases } from './case.ts';
import { CaseLog } from './case-log.ts';
import { type OpenTarget, openTarget, type SuiteTarget } from './target.ts';

export interface SuiteOptions {
  readonly rules?: RuleSet | readonly Rule[];
  /** Headers to compare beside those clients rely on everywhere. */
  readonly headers?: readonly string[];
}

/**
 * Sends the same cases to both sides, one after another, each to the old side first, and compares the replies.
 * Each side keeps its own captured variables; the rules' learned ids hold for the whole suite. Throws only for mistakes
 * in cases and rules; a side that fails is a result.
 */
export async function compareSuites(
  oldTarget: SuiteTarget,
  newTarget: SuiteTarget,
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
  const log = new CaseLog(rules);
  for (const wanted of cases) {
    const oldReply = await send(wanted, old);
    const newReply = await send(wanted, newer);
    log.add({
      name: wanted.name,
      method: wanted.method,
      path: wanted.path,
      old: 'error' in oldReply ? undefined : oldReply.status,
      new: 'error' in newReply ? undefined : newReply.status,
      result: compareReplies(oldReply, newReply, rules, { headers, budget: PATIENT, asked: wanted }),
    });
  }
  return log.report();
}

async function send(wanted: Case, { target, variables }: Side): Promise<Reply | Failure> {
  const filled = fillCase(wanted, variables);
  if ('missing' in filled)
    return { error: `no earlier reply of this side has yielded {${filled.missing.join('}, {')}}` };
  const reply = await ask(target.url, { method: wanted.method, ...filled });
  if (!('error' in reply)) captureFrom(reply, wanted, variables);
  return reply;
}

/** A suite's report as lines for a person: the counts, then each case that does not agree. */
export function describeSuite(report: SuiteReport): string {
  const lines = [`${caseCount(report.counts)} cases: ${countsOf(report.counts)}`];
  for (const { name, method, path, result } of report.cases) {
    if (isAgreed(result.kind)) continue;
    lines.push('', `${name} (${method} ${path})`, describeResult(result));
  }
  return lines.join('\n');
}
