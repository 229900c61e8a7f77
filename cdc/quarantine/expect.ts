import { expectEntries, type KeptEntry, writeRecord } from '@strangler/ledger';
import { type Cause, type Direction, type Plan, streamName } from '@strangler/plan';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { withSides } from '../sides.ts';
import { keeperOf, readEntry } from './dispute.ts';
import { readEntryName, sayEntry, streamOf } from './entry-name.ts';

/** Which rows to call expected: some entries, or all that nobody waits for, of some capabilities and one cause or any. */
export type Expected =
  | { readonly entries: readonly string[] }
  | { readonly capabilities: readonly string[]; readonly cause: Cause | undefined };

const DIRECTIONS: readonly Direction[] = ['forward', 'reverse'];

/**
 * Calls rows that were overwritten, superseded or applied late expected: they no longer keep anybody from moving forward.
 * Open entries are left out, they want a decision. Audited before it has an effect. Gives how many rows that were. Throws
 * Refusal, driver errors.
 */
export async function expectKept(plan: Plan, which: Expected, by: string, reason: string): Promise<number> {
  const all = syncedCapabilities(plan);
  const names = 'entries' in which ? which.entries.map((text) => readEntryName(text, all)) : [];
  const capabilities = 'entries' in which ? [...new Set(names.map((name) => name.capability))] : which.capabilities;
  let rows = 0;
  for (const capability of capabilities) {
    await withSides(plan, capability, 'reader', async (sides) => {
      const mine = names.filter((name) => name.capability === capability);
      for (const name of mine) refuseOpen(await readEntry(sides, name));
      const entries = mine.map((name) => sayEntry(streamOf(name), name.id));
      const inputs = 'entries' in which ? { entries } : { cause: which.cause ?? 'any' };
      await writeRecord(sides.sessions.monolith, { capability, event: 'quarantine-expect', actor: by, reason, inputs });
      for (const direction of DIRECTIONS) {
        const session = sides.sessions[keeperOf({ direction })];
        const stream = streamName(capability, direction);
        const ids = mine.filter((name) => name.direction === direction).map(({ id }) => id);
        rows += await expectEntries(
          session,
          'entries' in which ? { stream, ids } : { stream, ...(which.cause && { cause: which.cause }) },
        );
      }
    });
  }
  return rows;
}

function refuseOpen({ stream, id, status }: KeptEntry): void {
  if (status !== 'open') return;
  const called = sayEntry(stream, id);
  throw new Refusal(`${called} is open: decide it with strangler quarantine resolve ${called}`);
}
