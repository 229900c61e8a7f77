import type { Report } from './report.ts';
import { caseCount } from './report.ts';

/** What a suite comes to, and the exit code it should end with. */
export type SuiteOutcome = 'equal' | 'mismatch' | 'failed' | 'insufficient';
export const OUTCOME_CODES: Readonly<Record<SuiteOutcome, number>> = {
  equal: 0,
  mismatch: 1,
  failed: 2,
  insufficient: 3,
};

/**
 * mismatch: a reply differs, or a rule fails its audit. failed: the candidate did not answer (of live traffic: never).
 * insufficient: fewer than `minimum` pairs could be compared (without one: not all of a suite, none of live traffic).
 */
export function outcomeOf({ counts, cases, findings }: Report, minimum?: number): SuiteOutcome {
  if (counts.mismatch > 0 || findings.some(({ level }) => level === 'failure')) return 'mismatch';
  const agreed = counts.equal + counts['equal-by-rule'];
  const failed = counts['candidate-error'] + counts['candidate-timeout'];
  if (failed > 0 && (cases || agreed === 0)) return 'failed';
  const needed = minimum ?? (cases ? caseCount(counts) : 0);
  return agreed === 0 || agreed < needed ? 'insufficient' : 'equal';
}
