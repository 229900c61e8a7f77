import { type KeptEntry, readQuarantine, settleQuarantine, writeRecord } from '@strangler/ledger';
import { type Direction, otherSide, type Plan, streamName } from '@strangler/plan';
import { applyLate } from '../apply/apply-late.ts';
import { correct } from '../apply/corrections.ts';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { nameOf } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import { type OpenSides, withSides } from '../sides.ts';
import { refuseCut } from './cut.ts';
import { refuseSettled } from './decision.ts';
import { changesFrom, isDisputed, keeperOf, readDispute, readEntry, readTogether } from './dispute.ts';
import { type EntryName, readEntryName, sayEntry } from './entry-name.ts';
import { alone, retryInapplicable, StillRefusedError } from './fix.ts';

/** What became of one entry: `settled`, or why it is still open. */
export type Retried = { readonly entry: string; readonly settled: boolean; readonly says: string };

/** Which entries to try again: some, or all that are open of some capabilities. */
export type Which = { readonly entries: readonly string[] } | { readonly capabilities: readonly string[] };

/** Tries again to apply what is kept open; what still cannot be applied stays open. Audited. Throws Refusal. */
export async function retry(plan: Plan, which: Which, by: string, reason: string): Promise<Retried[]> {
  const all = syncedCapabilities(plan);
  const named = 'entries' in which ? which.entries.map((text) => readEntryName(text, all)) : [];
  const capabilities = 'entries' in which ? [...new Set(named.map((name) => name.capability))] : which.capabilities;
  const results: Retried[] = [];
  for (const capability of capabilities) {
    await withSides(plan, capability, 'repair', async (sides) => {
      const mine = named.filter((name) => name.capability === capability);
      const names = 'entries' in which ? mine : await everyOpen(sides);
      await writeRecord(sides.sessions.monolith, {
        ...{ capability, event: 'quarantine-retry', actor: by, reason },
        inputs: { entries: names.map((name) => sayEntry(streamName(capability, name.direction), name.id)) },
      });
      for (const one of await retryEach(sides, names, `applied at another try, by ${by}`)) results.push(one);
    });
  }
  return results;
}

async function everyOpen(sides: OpenSides): Promise<EntryName[]> {
  const { capability } = sides;
  const names: EntryName[] = [];
  for (const direction of ['forward', 'reverse'] as const satisfies readonly Direction[]) {
    const stream = streamName(capability, direction);
    const entries = await readQuarantine(sides.sessions[keeperOf({ direction })], { stream, status: 'open' });
    for (const { id } of entries) names.push({ capability, direction, id });
  }
  return names;
}

async function retryEach(sides: OpenSides, names: readonly EntryName[], resolution: string): Promise<Retried[]> {
  const results = new Map<string, Retried>();
  const refusedUsers = new Map<string, string>();
  for (const name of names) {
    const entry = await readEntry(sides, name);
    const called = sayEntry(entry.stream, entry.id);
    if (results.has(called)) continue; // settled together with an earlier one
    const say = (entries: readonly KeptEntry[], settled: boolean, says: string) => {
      for (const { stream, id } of entries)
        results.set(sayEntry(stream, id), { entry: sayEntry(stream, id), settled, says });
    };
    const blockedBy = refusedUsers.get(`${entry.stream} ${entry.user}`);
    try {
      refuseSettled(entry);
      if (blockedBy) say([entry], false, blockedBy);
      else if (isDisputed(entry)) await retryLate(sides, name, entry, resolution, say);
      else say(await retryInapplicable(sides, name, entry, resolution), true, 'applied');
    } catch (error) {
      if (error instanceof StillRefusedError) {
        const says = `still refused by the database: ${error.message}`;
        if (entry.user !== null) refusedUsers.set(`${entry.stream} ${entry.user}`, says);
        say([entry], false, says);
      } else if (error instanceof Refusal) say([entry], false, error.message);
      else throw error;
    }
  }
  return [...results.values()];
}

type Say = (entries: readonly KeptEntry[], settled: boolean, says: string) => void;

/** Asks once more what becomes of a late write, against the owner's rows as they are now. */
async function retryLate(
  sides: OpenSides,
  name: EntryName,
  entry: KeptEntry,
  resolution: string,
  say: Say,
): Promise<void> {
  const side = keeperOf(name);
  const [session, rows] = [sides.sessions[side], sides.rows[side]];
  await alone(sides, name, async () => {
    const entries = await readTogether(sides, name, entry, true);
    refuseCut(entries);
    const { owner, user } = await readDispute(sides, entries, true);
    if (owner !== side) {
      throw new Refusal(
        `user ${user} has gone back to the ${otherSide(side)} since; decide with strangler quarantine resolve`,
      );
    }
    const late = changesFrom(sides.mapping, entries).map((change) => ({ ...change, user, epoch: change.entry.epoch }));
    const { kept, images, applied } = await applyLate(rows, late);
    if (kept.some(({ disposition }) => disposition === 'open')) {
      return say(entries, false, 'it still contradicts the owner’s row; decide with strangler quarantine resolve');
    }
    await correct(session, sides.capability, images, applied);
    const holds = kept
      .filter(({ disposition }) => disposition === 'superseded')
      .map(({ change }) => nameOfChange(change));
    const [superseded, taken] = [late.filter(isIn(holds)), late.filter((change) => !isIn(holds)(change))];
    const ids = (those: typeof late) => those.map((change) => change.entry.id);
    await settleQuarantine(session, ids(taken), 'resolved', resolution);
    await settleQuarantine(session, ids(superseded), 'superseded', 'the owner’s row holds', true);
    say(entries, true, taken.length ? 'applied' : 'superseded: the owner has it so already');
  });
}

const nameOfChange = ({ table, before, after }: Change): string => nameOf(table, (after ?? before)!);

const isIn =
  (names: readonly string[]) =>
  (change: Change): boolean =>
    names.includes(nameOfChange(change));
