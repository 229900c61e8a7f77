import type { Lease } from './lease.ts';
import type { HandoffSides } from './sides.ts';
import type { Store } from './store.ts';

/** The store of a control that writes states only while its lease is valid. Throws SupersededError when it is not. */
export const guardedStore = (store: Store, lease: Lease): Store => ({
  ...store,
  write: async (row, also) => {
    lease.check();
    return store.write(row, also);
  },
});

/** The databases of a control that writes handoff rows only while its lease is valid. Throws SupersededError when it is not. */
export const guardedSides = (sides: HandoffSides, lease: Lease): HandoffSides => ({
  ...sides,
  write: async (...rows) => {
    lease.check();
    return sides.write(...rows);
  },
});
