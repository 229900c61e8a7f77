import type { HandoffRow, StateRow } from '@strangler/ledger';
import type { DecisionRecord, Subject } from '@strangler/plan';

/** A decision record before it is stored. */
export type NewRecord = Omit<DecisionRecord, 'id' | 'at'>;

/** What goes into the monolith’s database in the same transaction as a state. */
export type Also = {
  readonly handoff?: HandoffRow;
  readonly record?: NewRecord;
  /** The stream into the monolith learns by force that its source has given the subject away. */
  readonly takeOver?: { readonly stream: string; readonly epoch: number; readonly subject: Subject };
};

/** Where control keeps what it must not forget: the monolith’s MySQL, or a file for a Plan without databases. */
export interface Store {
  /** Every stored state. */
  read(): Promise<StateRow[]>;
  /** Compare-and-set on the version, and whatever goes with it, as one; false if somebody else has written meanwhile. */
  write(row: StateRow, also?: Also): Promise<boolean>;
  /** Adds a decision record without any change of state. */
  record(record: NewRecord): Promise<void>;
  /** Decision records after an id, oldest first. */
  records(filter: { capability?: string; after?: number; limit?: number }): Promise<DecisionRecord[]>;
  /** Takes or renews the lease of the one active control for `ttl` ms, 0 gives it back; false if another holds it. */
  lease(holder: string, ttl: number): Promise<boolean>;
}
