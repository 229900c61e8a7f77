import type { KeptEntry } from '@strangler/ledger';
import type { CapabilityStatus, Cause, DecisionRecord } from '@strangler/plan';

/** How a handoff went that a kept row names. */
type Handoff = { readonly urgent: boolean };

/** The handoffs of a run by their epochs. */
export function handoffsIn(records: readonly DecisionRecord[]): ReadonlyMap<number, Handoff> {
  const moves = records.filter(({ event }) => event === 'handoff' || event === 'forced');
  return new Map(
    moves.map(({ inputs }) => {
      const { epoch, urgent } = inputs as { epoch: number; urgent?: boolean };
      return [epoch, { urgent: urgent === true }];
    }),
  );
}

/** Why a row was kept, of what the page and the kills of this run tell; undefined if neither does. */
export function whyKept(
  entry: KeptEntry,
  all: readonly KeptEntry[],
  handoffs: ReadonlyMap<number, Handoff>,
): string | undefined {
  const { epoch } = entry;
  const handoff = epoch === null ? undefined : handoffs.get(epoch);
  if (handoff?.urgent) return 'under way when everybody was taken back at once';
  if (handoff && isUnawaited(entry))
    return 'setAuthor, which the monolith does not wait for, came after its user had moved';
  const source = all.find((one) => one !== entry && one.aggregate === entry.aggregate && one.epoch !== null);
  if (epoch === null && source && whyKept(source, [], handoffs))
    return 'what the other side took over after such a row';
  return undefined;
}

/** The article got its author by an update of its own. */
function isUnawaited({ table, before, after }: KeptEntry): boolean {
  if (table !== 'Articles' || !before || !after) return false;
  return JSON.parse(before).authorId === null && JSON.parse(after).authorId !== null;
}

/** Causes that nobody needs to look at, and why there are such rows. */
const BY_DESIGN: Partial<Record<Cause, string>> = {
  declared: 'the popularity job, the payment provider and staff, as the Plan declares them',
  born: 'new rows that were under way, or not waited for, when their user moved',
  decided: 'what the operator decided',
};

/** Every cause of the run with how many rows, and how it is explained; `kept` gives the reasons of kept rows by cause. */
export function byCause(
  { corrections }: CapabilityStatus,
  kept: ReadonlyMap<Cause, ReadonlySet<string>>,
): { readonly cause: Cause; readonly rows: number; readonly why: string }[] {
  const causes = Map.groupBy(corrections, ({ cause }) => cause);
  return [...causes].map(([cause, some]) => ({
    cause,
    rows: some.reduce((sum, { rows }) => sum + rows, 0),
    why: BY_DESIGN[cause] ?? [...(kept.get(cause) ?? [])].join('; '),
  }));
}
