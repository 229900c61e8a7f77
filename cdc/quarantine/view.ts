import type { KeptEntry, QuarantineReason, QuarantineStatus } from '@strangler/ledger';
import { openSession, readQuarantine } from '@strangler/ledger';
import { type Plan, type Side, streamName } from '@strangler/plan';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { openSides } from '../sides.ts';
import { changesFrom, isDisputed, keeperOf, readDispute, readEntry, readTogether } from './dispute.ts';
import { readEntryName, sayEntry } from './entry-name.ts';
import { pairUp, type RowPair } from './side-by-side.ts';

/** Which entries to list; what is not named does not matter. */
export type ListFilter = {
  readonly capabilities: readonly string[];
  readonly status: QuarantineStatus | undefined;
  readonly user: string | undefined;
  readonly reason: QuarantineReason | undefined;
};

/** Entries of both sides' quarantines, oldest first within each stream. */
export async function list(plan: Plan, { capabilities, status, user, reason }: ListFilter): Promise<KeptEntry[]> {
  const all: KeptEntry[] = [];
  for (const capability of capabilities.length ? capabilities : syncedCapabilities(plan)) {
    for (const direction of ['forward', 'reverse'] as const) {
      const service = plan.capabilities[capability]!.service.database!.applier;
      const url = keeperOf({ direction }) === 'service' ? service : plan.monolith.database!.applier;
      const session = await openSession(url, 'reader');
      try {
        const filter = {
          ...(status && { status }),
          ...(user !== undefined && { user }),
          ...(reason && { reasons: [reason] }),
        };
        all.push(...(await readQuarantine(session, { stream: streamName(capability, direction), ...filter })));
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
};

/** Puts an entry beside what the owner has now. Throws Refusal, driver errors. */
export async function show(plan: Plan, text: string): Promise<Shown> {
  const name = readEntryName(text, syncedCapabilities(plan));
  const sides = await openSides(plan, name.capability, 'reader');
  try {
    const entry = await readEntry(sides, name);
    const entries = isDisputed(entry) ? await readTogether(sides, name, entry) : [entry];
    const known = { name: text, entry, together: entries.map(({ stream, id }) => sayEntry(stream, id)) };
    try {
      const { owner, seen, changes, images } = await readDispute(sides, entries, false);
      return { ...known, owner, unsure: undefined, seen, pairs: pairUp(sides.mapping, changes, images) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const pairs = pairUp(sides.mapping, changesFrom(sides.mapping, entries), []);
      return { ...known, owner: undefined, unsure: error.message, seen: undefined, pairs };
    }
  } finally {
    await sides.close();
  }
}
