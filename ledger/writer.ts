/**
 * Who writes in a session: it gives every transaction the native sign of being ours (docs/how-it-works.md#ours-or-not): on MySQL the GTID
 * tag `strangler`, on Postgres the replication origin `strangler_<database>_<writer>`, which one session at a time may
 * hold. `reader` carries no sign and must not write captured tables.
 */
export type Writer = 'control' | `applier-${string}` | 'tick' | 'repair' | 'reader';

/** The tag in MySQL’s GTIDs of our transactions. */
export const MYSQL_TAG = 'strangler';

/** The replication origin of a writer in a Postgres database. */
export const originName = (database: string, writer: Writer): string => `strangler_${database}_${writer}`;
