import { RESULT_KINDS, type ResultKind } from '../engine/compare-replies.ts';
import type { DifferenceKind } from '../engine/difference.ts';
import type { NoiseRefusal } from '../learn/noise.ts';
import type { DifferenceSample, Group } from '../learn/tally.ts';
import type { SuiteOutcome } from './outcome.ts';

/** A kind of difference, as a sentence about a place goes on with it. */
export const DIFFERENCE_PHRASES: Readonly<Record<DifferenceKind, string>> = {
  status: 'differs',
  header: 'differs',
  type: 'has another type',
  format: 'has another format',
  value: 'has another value',
  missing: 'is missing',
  extra: 'is new',
  order: 'is in another order',
};

/** Why no rule is proposed for noise. */
export const REFUSAL_PHRASES: Readonly<Record<NoiseRefusal, string>> = {
  status: 'a status is never excused',
  header: 'headers clients rely on should not change by themselves',
  structural: 'something is there or not, or of another type',
  'array-length': 'the list has other elements',
  root: 'the rule would cover the whole body',
  'too-few': 'too few replies were seen yet',
  unresolved: 'it lies too deep to be named',
};

/** What a suite came to, as a headline. */
export const OUTCOME_PHRASES: Readonly<Record<SuiteOutcome, string>> = {
  equal: 'Old and new answer alike',
  mismatch: 'Old and new do not answer alike',
  failed: 'The candidate did not answer',
  insufficient: 'Too little could be compared',
};

/** `3 equal, 1 mismatch`: of these kinds what there is. */
export const countsOf = (
  counts: Readonly<Record<ResultKind, number>>,
  among: readonly ResultKind[] = RESULT_KINDS,
): string => among.flatMap((kind) => (counts[kind] > 0 ? [`${counts[kind]} ${kind}`] : [])).join(', ');

/** In how many replies a group was found, and how often if that is more. */
export function timesOf({ pairs, differences }: Group): string {
  const replies = pairs === 1 ? 'in 1 reply' : `in ${pairs} replies`;
  return differences === pairs ? replies : `${differences} times ${replies}`;
}

/** Samples that show the same two values are one, with how many more there are. */
export function distinct(
  samples: readonly DifferenceSample[],
): readonly (DifferenceSample & { readonly more: number })[] {
  const alike = new Map<string, DifferenceSample & { readonly more: number }>();
  for (const sample of samples) {
    const values = JSON.stringify([sample.old, sample.new]);
    const first = alike.get(values);
    alike.set(values, first ? { ...first, more: first.more + 1 } : { ...sample, more: 0 });
  }
  return [...alike.values()];
}
