import type { Chance } from '../e2e/chance.ts';

/** The same things in an order left to chance. */
export function shuffled<T>(all: readonly T[], chance: Chance): readonly T[] {
  const order = [...all];
  for (let last = order.length - 1; last > 0; last--) {
    const other = chance.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
