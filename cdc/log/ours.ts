import { FatalStreamError } from '../fatal-stream-error.ts';
import type { SourceTransaction } from './assemble.ts';
import { NEXT_STEP } from './continuity.ts';

/** The two signs of a transaction being ours disagree: a publication or a privilege is wrong. The stream must stop. */
export class SignsDisagreeError extends FatalStreamError {
  constructor(transaction: SourceTransaction, portable: boolean) {
    const first = transaction.rows[0]!;
    super(
      portable
        ? `transaction ${transaction.id} begins with ${first.table}, but has no strangler tag or origin: somebody ` +
            `else writes our tables, or the session lost its tag. Find out who. ${NEXT_STEP}`
        : `transaction ${transaction.id} has our tag or origin, but begins with ${first.table}: somebody else uses ` +
            'our tag, or our tables are not captured (`strangler init` puts them back into the publication). ' +
            NEXT_STEP,
    );
    this.name = 'SignsDisagreeError';
  }
}

const isLedgerTable = (table: string): boolean => table.startsWith('strangler_');

/**
 * True if we made the transaction, false if an application did. Two signs must agree: the first captured row is one of
 * a strangler_ table, and the transaction has our GTID tag or replication origin. Throws SignsDisagreeError.
 */
export function isOurs(transaction: SourceTransaction): boolean {
  if (transaction.rows.every((row) => row.table === 'strangler_signal')) return true; // Debezium writes these itself
  const first = transaction.rows[0]!;
  const portable = isLedgerTable(first.table);
  if (portable !== first.nativeSign) throw new SignsDisagreeError(transaction, portable);
  return portable;
}
