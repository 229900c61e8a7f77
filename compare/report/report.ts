import type { Result, ResultKind } from '../engine/compare-replies.ts';
import type { RuleFinding } from '../learn/audit.ts';
import type { Noise } from '../learn/noise.ts';
import type { TallyReport } from '../learn/tally.ts';
import type { Redactor } from '../redact/redaction.ts';
import type { UsedRule } from '../rules/rule-set.ts';

/** What comparing has come to, in a suite or beside live traffic. Plain data. */
export interface Report {
  readonly counts: Readonly<Record<ResultKind, number>>;
  /** By endpoint, and differences grouped. */
  readonly tally: TallyReport;
  /** What the audit of the rules found. */
  readonly findings: readonly RuleFinding[];
  /** What a suite asked; live traffic has none. */
  readonly cases?: readonly CaseReport[];
  /** What the old side was found to differ in from itself; only live traffic looks for it. */
  readonly noise?: readonly Noise[];
  /** The rules with what they excused; a suite tells that case by case. */
  readonly rules?: readonly UsedRule[];
}

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
  /** In the order they were compared; of many thousands only some are here, but all are counted. */
  readonly cases: readonly CaseReport[];
  /** Rule id → how many differences it excused in the whole suite; 0 is a rule nobody needed. */
  readonly hits: Readonly<Record<string, number>>;
}

/** How many cases there were, those included that are not shown one by one. */
export const caseCount = (counts: SuiteReport['counts']): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

type Samples = { readonly old?: string | undefined; readonly new?: string | undefined };

/** The result as it may be stored or shown: samples and reason without secrets. */
export function redactResult(result: Result, redactor: Redactor): Result {
  return {
    ...result,
    differences: result.differences.map((difference) => redactSamples(difference.path, difference, redactor)),
    excused: result.excused.map((excused) => redactSamples(excused.path, excused, redactor)),
    ...(result.reason !== undefined && { reason: redactor.text(result.reason) }),
  };
}

/** The report as it may be stored or shown: samples, reasons and paths without secrets. */
export function redactReport(report: SuiteReport, redactor: Redactor): SuiteReport {
  return {
    ...report,
    cases: report.cases.map((one) => ({
      ...one,
      path: redactor.url(one.path),
      result: redactResult(one.result, redactor),
    })),
    tally: {
      ...report.tally,
      groups: report.tally.groups.map((group) => ({
        ...group,
        samples: group.samples.map((sample) => redactSamples(group.path, sample, redactor)),
      })),
    },
  };
}

const redactSamples = <S extends Samples>(path: string, item: S, redactor: Redactor): S => ({
  ...item,
  old: item.old === undefined ? undefined : redactor.sample(path, item.old),
  new: item.new === undefined ? undefined : redactor.sample(path, item.new),
});
