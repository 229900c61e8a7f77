import type { HandoffRow, StateRow } from '@strangler/ledger';
import type { DecisionRecord, Subject } from '@strangler/plan';

/** A decision record before it is stored. */
export type NewRecord = Omit<DecisionRecord, 'id' | 'at'>;

/** What goes into the monolith’s database in the same transaction as a state. */
export type InSameTransaction = {
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
  write(row: StateRow, also?: InSameTransaction): Promise<boolean>;
  /** Adds a decision record without any change of state. */
  record(record: NewRecord): Promise<void>;
  /** The time where state is kept, ISO 8601. */
  now(): Promise<string>;
  /** Decision records after an id, oldest first. */
  records(filter: { capability?: string; after?: number; limit?: number }): Promise<DecisionRecord[]>;
}

/** The right to decide: one control has it at a time, under a term that is greater than every earlier one. */
export interface LeaseStore {
  /** Begins a new term of `ttl` ms; undefined while another holder has the lease. */
  acquire(holder: string, ttl: number): Promise<number | undefined>;
  /** Prolongs the term to `ttl` ms from now; false if it is over. */
  renew(term: number, ttl: number): Promise<boolean>;
  /** Ends the term at once. */
  release(term: number): Promise<void>;
}

/** The names of all proxies that may be sending writes, whether they are linked or not. */
export interface ProxyStore {
  names(): Promise<readonly string[]>;
  /** Adds a name; false, and nothing has changed, if the term is over. */
  register(name: string, term: number): Promise<boolean>;
  /** Takes a name off, and stores the record of it with that; false, and nothing has changed, if the term is over. */
  forget(name: string, term: number, record?: NewRecord): Promise<boolean>;
}
