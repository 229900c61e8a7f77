/** One order as a database holds it; `purchase` is its user and Idempotency-Key. */
export type OrderRow = { readonly id: string; readonly purchase: string };

/** What became of the purchases. */
export type Count = {
  /** Acknowledged, and absent from the database that serves the customers. */
  readonly lost: number;
  /** Of those, how many the other database holds, where no customer can see them. */
  readonly stranded: number;
  /** Purchases with more than one order, in one database or over both. */
  readonly doubled: number;
};

/** Counts both databases against the writers’ own record. An order copied to the other side keeps its id. */
export function count(
  acknowledged: ReadonlySet<string>,
  serving: readonly OrderRow[],
  other: readonly OrderRow[],
): Count {
  const ids = new Map<string, Set<string>>();
  for (const { id, purchase } of [...serving, ...other]) {
    const known = ids.get(purchase);
    if (known) known.add(id);
    else ids.set(purchase, new Set([id]));
  }
  const served = new Set(serving.map(({ purchase }) => purchase));
  const lost = [...acknowledged].filter((purchase) => !served.has(purchase));
  return {
    lost: lost.length,
    stranded: lost.filter((purchase) => ids.has(purchase)).length,
    doubled: [...ids.values()].filter(({ size }) => size > 1).length,
  };
}
