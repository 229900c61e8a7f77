/** Which element of the old array is compared with which of the new one; undefined where there is no partner. */
export interface Pairing {
  readonly pairs: readonly (readonly [old: number | undefined, newer: number | undefined])[];
  /** True if elements that were recognised stand in another order. */
  readonly moved: boolean;
}

/** The first with the first, and so on. */
export function pairByPosition(oldLength: number, newLength: number): Pairing {
  const pairs = Array.from({ length: Math.max(oldLength, newLength) }, (_, index) => {
    return [index < oldLength ? index : undefined, index < newLength ? index : undefined] as const;
  });
  return { pairs, moved: false };
}

/**
 * Elements with the same mark belong together: those at the same position first, then the first left with the first
 * left. Those without a partner are taken for changed and paired in sequence, or, if `strict`, stay alone.
 */
export function pairByMark<M>(oldMarks: readonly M[], newMarks: readonly M[], strict: boolean): Pairing {
  const inPlace = (index: number) =>
    index < oldMarks.length && index < newMarks.length && oldMarks[index] === newMarks[index];
  const waiting = new Map<M, number[]>();
  for (let index = newMarks.length - 1; index >= 0; index--) {
    if (inPlace(index)) continue;
    const mark = newMarks[index] as M;
    const queue = waiting.get(mark);
    if (queue) queue.push(index);
    else waiting.set(mark, [index]);
  }
  const matched: [number, number][] = [];
  const oldLeft: number[] = [];
  oldMarks.forEach((mark, index) => {
    const partner = inPlace(index) ? index : waiting.get(mark)?.pop();
    if (partner === undefined) oldLeft.push(index);
    else matched.push([index, partner]);
  });
  const newLeft = [...waiting.values()].flat().sort((a, b) => a - b);
  const moved = matched.some(([, partner], place) => place > 0 && partner < matched[place - 1]![1]);
  return { pairs: [...matched, ...pairLeftovers(oldLeft, newLeft, strict)], moved };
}

function pairLeftovers(oldLeft: readonly number[], newLeft: readonly number[], strict: boolean): Pairing['pairs'] {
  if (!strict)
    return pairByPosition(oldLeft.length, newLeft.length).pairs.map(([a, b]) => [of(oldLeft, a), of(newLeft, b)]);
  return [
    ...oldLeft.map((index) => [index, undefined] as const),
    ...newLeft.map((index) => [undefined, index] as const),
  ];
}

const of = (indexes: readonly number[], position: number | undefined) =>
  position === undefined ? undefined : indexes[position];
