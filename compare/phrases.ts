import type { DifferenceKind } from './difference.ts';
import type { NoiseRefusal } from './noise.ts';

/** A kind of difference, as a sentence about a place goes on with it. */
export const DIFFERENCE_PHRASES: Readonly<Record<DifferenceKind, string>> = {
  status: 'is another',
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
