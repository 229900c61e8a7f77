import type { Session } from '@strangler/ledger';
import type { Rows } from '../rows/aggregates.ts';
import type { Blocked } from './blocked.ts';
import type { OwnershipHistory } from './ownership-history.ts';
import type { Unexplained } from './unexplained.ts';

/** Where a stream writes, and what its applier knows when a transaction begins. */
export type Target = {
  readonly stream: string;
  readonly capability: string;
  readonly session: Session;
  readonly rows: Rows;
  /** What waits for a person, as far as the applier knows. */
  readonly blocked: Blocked;
  /** What the source owns. */
  readonly history: Pick<OwnershipHistory, 'standing' | 'ownsEverybody'>;
  /** What it has refused lately for reasons nobody knows; unset: such errors are never a row’s. */
  readonly unexplained?: Unexplained;
};
