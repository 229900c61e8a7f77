import type { StateRow } from '@strangler/ledger';
import type { Moving, Ownership, RampState, Side, Subject, Unproven } from '@strangler/plan';
import type { DoneRequest } from './keyed-request.ts';

/**
 * Where a named user should be: pinned to a side, (pin lifted) wherever the bucket is, or (`behind`) where they were
 * when their range moved on without them, because a write of theirs was under way; or, where no users are split any more,
 * `together` with all others.
 */
export type Desired = Side | 'bucket' | 'behind' | 'together';

/** A forced handoff the service’s log has not confirmed yet. */
export type Debt = Unproven & {
  /** A handoff to the service that had flipped, but whose grant was not in the service’s log for sure: written first. */
  readonly owed: { readonly epoch: number; readonly subject: Subject } | null;
};

/** What control keeps of one capability; everything it needs to go on after a crash. */
export type CapabilityState = Ownership & {
  /** Grows with every write; the compare-and-set that lets one control win. */
  readonly version: number;
  /** The last handoff begun. */
  readonly epoch: number;
  /** Where users are going: 0…10000 buckets. */
  readonly target: number;
  /** Named users. Once named, a user moves by name only, because that is what the logs say; `bucket` lifts the pin. */
  readonly desired: Readonly<Record<string, Desired>>;
  readonly ramp: RampState;
  /** Milliseconds a step is watched; of the ramp under way. */
  readonly dwell: number;
  readonly phase: 'idle' | 'holding' | 'flipped';
  /** The handoff under way; null in phase idle. */
  readonly moving: Moving | null;
  /** Forced handoffs to be settled, oldest first; nobody moves forward before. */
  readonly unproven: readonly Debt[];
  /** When the service’s database was last given up, ISO 8601; only a verify after that opens the gate. */
  readonly lostAt: string | null;
  /** Operators’ requests that carried an Idempotency-Key and were carried out, oldest first. */
  readonly requests: readonly DoneRequest[];
  /** Grows with every change of what is wanted: what two operators race for. */
  readonly edit: number;
  readonly flag: {
    /** The percentage last read from the flag; null if it was never readable. */
    readonly seen: number | null;
    /** The percentage control and the flag agree on, or will once `pending` is written. */
    readonly agreed: number;
    /** The reason of a write of `agreed` that has not succeeded yet; null if there is none. */
    readonly pending: string | null;
  };
};

/** A capability nobody has touched. */
export const initialState = (dwell: number): CapabilityState => ({
  version: 0,
  epoch: 0,
  boundary: 0,
  pins: {},
  target: 0,
  desired: {},
  ramp: { state: 'idle' },
  dwell,
  phase: 'idle',
  moving: null,
  unproven: [],
  lostAt: null,
  requests: [],
  edit: 0,
  flag: { seen: null, agreed: 0, pending: null },
});

/** The row that stores a state. */
export function toRow(capability: string, state: CapabilityState): StateRow {
  const { version, epoch, boundary, ...body } = state;
  return { capability, version, epoch, boundary, body: JSON.stringify(body) };
}

/** The state a row stores. Throws an Error naming the capability when the body is not ours. */
export function fromRow(row: StateRow): CapabilityState {
  try {
    // States of older releases have no `requests`, and call `desired` `wishes`.
    const { wishes, ...body } = JSON.parse(row.body);
    const { version, epoch, boundary } = row;
    return { requests: [], desired: wishes, ...body, version, epoch, boundary };
  } catch (cause) {
    throw new Error(`the stored state of ${row.capability} cannot be read; restore strangler_state from a backup`, {
      cause,
    });
  }
}
