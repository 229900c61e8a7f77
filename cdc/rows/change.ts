import type { Cause } from '@strangler/plan';
import type { MappedTable, Row } from '../mapping/mapping.ts';

/** A change of a mapped row, in canonical form. */
export type Change = {
  readonly table: MappedTable;
  readonly before: Row | null;
  readonly after: Row | null;
};

/**
 * A correction as it is in strangler_correction: whole aggregates as the sender has them. `user` is null if the
 * sender has no such aggregates, and so cannot say whose they are.
 */
export type Correction = {
  readonly user: string | null;
  readonly roots: readonly RootImage[];
  /** Late changes the sender has just applied: if it had given the user away by then, the owner decides them again. */
  readonly late: readonly AppliedLate[];
} & Partial<CorrectedBy>;

/** What an operator has corrections written for; absent where the sync itself has them written. */
export type CorrectedBy = {
  readonly cause: Extract<Cause, 'recopied' | 'repaired' | 'decided' | 'undone'>;
  /** Names all that one command has done. */
  readonly operation: string;
};

/** A late change that was applied, and the handoff that had made it late. */
export type AppliedLate = {
  readonly table: string;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly epoch: number | null;
};

/** A row and everything that reaches its user through it; `row: null` says the sender has none. */
export type RootImage = {
  readonly table: string;
  readonly key: Row;
  readonly row: Row | null;
  readonly children: readonly { readonly table: string; readonly row: Row }[];
  /** Digests of rows of it that the sender has kept in its quarantine: they may go without being kept once more. */
  readonly kept?: readonly string[];
};
