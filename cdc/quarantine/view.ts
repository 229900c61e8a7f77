import type { KeptEntry, QuarantineStatus } from '@strangler/ledger';
import { openSession, readQuarantine } from '@strangler/ledger';
import { type Cause, type Plan, type Side, streamName } from '@strangler/plan';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { type OpenSides, withSides } from '../sides.ts';
import {
  changesFrom,
  isDisputed,
  keeperOf,
  readDispute,
  readEntry,
  readTogether,
  readUndoneTogether,
} from './dispute.ts';
import { type EntryName, readEntryName, sayEntry } from './entry-name.ts';
import { pairUp, type RowPair } from './side-by-side.ts';
import { readUndoing } from './undoing.ts';

/** Which entries to list; what is not named does not matter. */
export type ListFilter = {
  readonly capabilities: readonly string[];
  /** `settled`: whatever is not open. */
  readonly status: QuarantineStatus | 'settled' | undefined;
  readonly user: string | undefined;
  readonly cause: Cause | undefined;
  /** What one command of an operator has done. */
  readonly operation?: string | undefined;
};

/** Entries of both sides' quarantines, oldest first within each stream. */
export async function list(
  plan: Plan,
  { capabilities, status, user, cause, operation }: ListFilter,
): Promise<KeptEntry[]> {
  const all: KeptEntry[] = [];
  for (const capability of capabilities.length ? capabilities : syncedCapabilities(plan)) {
    for (const direction of ['forward', 'reverse'] as const) {
      const service = plan.capabilities[capability]!.service.database!.applier;
      const url = keeperOf({ direction }) === 'service' ? service : plan.monolith.database!.applier;
      const session = await openSession(url, 'reader');
      try {
        const filter = {
          ...(status === 'settled' ? { settled: true } : status && { status }),
          ...(user !== undefined && { user }),
          ...(cause && { causes: [cause] }),
          ...(operation !== undefined && { operation }),
        };
        const found = await readQuarantine(session, { stream: streamName(capability, direction), ...filter });
        for (const one of found) all.push(one);
      } finally {
        await session.close();
      }
    }
  }
  return all;
}

/** Everything there is to know of an entry before one decides. */
export type Shown = {
  readonly name: string;
  readonly entry: KeptEntry;
  /** Decided together with it: of the same aggregate and source transaction. */
  readonly together: readonly string[];
  /** The present owner of the user; undefined if nobody can say now, with the reason. */
  readonly owner: Side | undefined;
  readonly unsure: string | undefined;
  readonly seen: string | undefined;
  readonly pairs: readonly RowPair[];
  /** Whether it can be undone: by which token, and what the owner has changed since; or why not. Undefined while open. */
  readonly undo: { readonly seen: string; readonly changed: readonly string[] } | { readonly not: string } | undefined;
};

/** Puts an entry beside what the owner has now. Throws Refusal, driver errors. */
export async function show(plan: Plan, text: string): Promise<Shown> {
  const name = readEntryName(text, syncedCapabilities(plan));
  return withSides(plan, name.capability, 'reader', async (sides) => {
    const entry = await readEntry(sides, name);
    const entries = isDisputed(entry) ? await readTogether(sides, name, entry) : [entry];
    const undo = entry.status === 'open' ? undefined : await undoOf(sides, name, entry);
    const known = { name: text, entry, undo, together: entries.map(({ stream, id }) => sayEntry(stream, id)) };
    try {
      const { owner, seen, changes, images } = await readDispute(sides, entries, false);
      return { ...known, owner, unsure: undefined, seen, pairs: pairUp(sides.mapping, changes, images) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const pairs = pairUp(sides.mapping, changesFrom(sides.mapping, entries), []);
      return { ...known, owner: undefined, unsure: error.message, seen: undefined, pairs };
    }
  });
}

async function undoOf(sides: OpenSides, name: EntryName, entry: KeptEntry): Promise<Shown['undo']> {
  try {
    const { seen, changed } = await readUndoing(sides, await readUndoneTogether(sides, name, entry), false);
    return { seen, changed };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { not: error.message };
  }
}
