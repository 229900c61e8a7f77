import type { KeptEntry } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { Refusal } from '../refusal.ts';
import { sayEntry } from './entry-name.ts';

/** Whose row shall hold, who says so, and why. */
export type QuarantineDecision = {
  readonly keep: 'owner' | 'late';
  readonly reason: string;
  readonly by: string;
  /** What `show` printed of the images the decision was made on. */
  readonly seen: string | undefined;
};

/** What became of a decision. */
export type Resolved = {
  readonly entries: readonly string[];
  readonly owner: Side;
  /** What `strangler undo --operation` takes back by what had to give way. */
  readonly operation: string;
  /** Whether the other side has it already. */
  readonly arrived: boolean;
};

/** Throws Refusal if nothing is left to decide. */
export function refuseSettled({ stream, id, status, resolution, settledAt }: KeptEntry): void {
  if (status === 'open') return;
  const when = settledAt ? ` at ${settledAt}` : '';
  throw new Refusal(
    `${sayEntry(stream, id)} was ${status}${when}: ${resolution ?? 'nobody said why'}; nothing is left to decide`,
  );
}
