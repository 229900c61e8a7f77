import { expect, test } from '@jest/globals';
import { lastTick, TickLostError, tick } from './progress.ts';
import type { Session } from './session.ts';

/** A database whose strangler_tick has been emptied. */
const emptied = (dialect: Session['dialect']): Session => ({
  ...{ dialect, id: 1, usable: true },
  query: async () => ({ rows: [], affected: 0 }),
  transaction: (work) => work(),
  close: async () => {},
});

test.each([
  ['mysql', 'monolith'],
  ['postgres', 'service'],
] as const)(
  'a tick whose row is missing in %s is not known, which is not 0, and the error names the %s',
  async (dialect, side) => {
    for (const ask of [lastTick, tick]) {
      const asked = ask(emptied(dialect));
      await expect(asked).rejects.toThrow(TickLostError);
      await expect(asked).rejects.toThrow(`missing in the ${side}’s database`);
      await expect(asked).rejects.toThrow('strangler init');
    }
  },
);
