/** Which element of the old array is compared with which of the new one; undefined where there is no partner. */
export type Pair = readonly [old: number | undefined, newer: number | undefined];

/**
 * Pairs equal marks, the first with the first: `pairs` in the order of the old marks, and what is left on both sides.
 * Takes and gives indexes of the arrays; marks lie beside them.
 */
export function pairByMark<M>(old: Marked<M>, newer: Marked<M>): { pairs: [number, number][]; left: Left } {
  const waiting = new Map<M, number[]>();
  for (let at = newer.indexes.length - 1; at >= 0; at--) {
    const queue = waiting.get(newer.marks[at]!);
    if (queue) queue.push(newer.indexes[at]!);
    else waiting.set(newer.marks[at]!, [newer.indexes[at]!]);
  }
  const pairs: [number, number][] = [];
  const oldLeft: number[] = [];
  old.indexes.forEach((index, at) => {
    const partner = waiting.get(old.marks[at]!)?.pop();
    if (partner === undefined) oldLeft.push(index);
    else pairs.push([index, partner]);
  });
  const newLeft = [...waiting.values()].flat().sort((a, b) => a - b);
  return { pairs, left: { old: oldLeft, new: newLeft } };
}

/** Indexes of an array, each with its mark. */
export interface Marked<M> {
  readonly indexes: readonly number[];
  readonly marks: readonly M[];
}

/** Indexes that have no partner yet, ascending. */
export interface Left {
  readonly old: readonly number[];
  readonly new: readonly number[];
}

/** The first with the first, and so on; the surplus of the longer side stays alone. */
export function pairInSequence({ old, new: newer }: Left): Pair[] {
  return Array.from({ length: Math.max(old.length, newer.length) }, (_, at) => [old[at], newer[at]] as const);
}

/** True if some of these partners stand in another order than they did. */
export function isMoved(pairs: readonly Pair[]): boolean {
  let last = -1;
  for (const [old, newer] of pairs) {
    if (old === undefined || newer === undefined) continue;
    if (newer < last) return true;
    last = newer;
  }
  return false;
}

/** The same for arrays of one length, all of whose elements stand in place but those that were `open`. */
export function isMovedAmong(pairs: readonly Pair[], open: readonly number[], length: number): boolean {
  const partners = new Int32Array(length);
  for (let index = 0; index < length; index++) partners[index] = index;
  for (const index of open) partners[index] = -1;
  for (const [old, newer] of pairs) partners[old!] = newer!;
  let last = -1;
  return partners.some((partner) => {
    const back = partner >= 0 && partner < last;
    last = Math.max(last, partner);
    return back;
  });
}

/** In the order of the old array; what is only in the new one comes last. */
export const inOldOrder = (pairs: readonly Pair[]): Pair[] =>
  pairs.toSorted(([a = Number.POSITIVE_INFINITY, x = 0], [b = Number.POSITIVE_INFINITY, y = 0]) =>
    a === b ? x - y : a - b,
  );
