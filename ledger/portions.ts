const MOST_CHARACTERS = 2_000_000;

/** Pieces of a list that one statement takes: up to `most` items, and two million characters unless one item has more. */
export function* portions<T>(all: readonly T[], most: number, weigh: (item: T) => number): Generator<T[]> {
  let portion: T[] = [];
  let weight = 0;
  for (const item of all) {
    const own = weigh(item);
    if (portion.length && (portion.length >= most || weight + own > MOST_CHARACTERS)) {
      yield portion;
      portion = [];
      weight = 0;
    }
    portion.push(item);
    weight += own;
  }
  if (portion.length) yield portion;
}
