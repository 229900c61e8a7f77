import { isAgreed } from './compare-replies.ts';
import type { SuiteReport } from './suite.ts';

/** What a suite comes to, and the exit code it should end with. */
export type Outcome = 'equal' | 'mismatch' | 'failed' | 'insufficient';
export const OUTCOME_CODES: Readonly<Record<Outcome, number>> = { equal: 0, mismatch: 1, failed: 2, insufficient: 3 };

/**
 * mismatch: a reply differs, or a rule fails its audit. failed: the new side did not answer. insufficient: fewer than
 * `minimum` pairs could be compared (without one: not all of them).
 */
export function outcomeOf({ counts, cases, findings }: SuiteReport, minimum?: number): Outcome {
  if (counts.mismatch > 0 || findings.some(({ level }) => level === 'failure')) return 'mismatch';
  if (counts['candidate-error'] + counts['candidate-timeout'] > 0) return 'failed';
  const agreed = cases.filter(({ result }) => isAgreed(result.kind)).length;
  return agreed === 0 || agreed < (minimum ?? cases.length) ? 'insufficient' : 'equal';
}
