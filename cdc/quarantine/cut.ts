import type { KeptEntry } from '@strangler/ledger';
import { sourceOf } from '@strangler/plan';
import { cutFrom } from '../apply/cut.ts';
import { Refusal } from '../refusal.ts';
import { sayEntry } from './entry-name.ts';

/** What was cut from an entry, why, and where the whole row is; undefined if nothing was. */
export function sayCut(entry: KeptEntry): string | undefined {
  const cut = cutFrom(entry);
  if (!cut.length) return undefined;
  const from = sourceOf(entry.stream.endsWith(':forward') ? 'forward' : 'reverse');
  return (
    `${cut.join(', ')} did not fit into the quarantine and is not in it. The whole row: in the ${from}'s database, ` +
    `${entry.table} ${entry.key}, as it is there now; as it was then, in the ${from}'s log at ${entry.position}`
  );
}

/** Throws Refusal if one of these entries was cut: what is left of it must not be applied. */
export function refuseCut(entries: readonly KeptEntry[]): void {
  const entry = entries.find((one) => cutFrom(one).length);
  if (!entry) return;
  const called = sayEntry(entry.stream, entry.id);
  throw new Refusal(
    `${called} cannot be applied from the quarantine: ${sayCut(entry)}. Make room for it (on MySQL, max_allowed_packet), ` +
      `then take what the owner has now: strangler quarantine resolve ${called} --keep owner`,
  );
}
