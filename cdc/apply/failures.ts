/** What a failed statement means for a stream. */
export type FailureClass =
  /** The row itself cannot be applied, today or tomorrow: kept aside. */
  | 'row'
  /** Something around it is in the way and goes by itself: retried for ever. */
  | 'passing'
  /** Every row would meet it until a person has changed something: retried, but the stream says that it has stopped. */
  | 'stop'
  /** Nobody knows: some tries, then the row is kept aside. */
  | 'unknown';

type DriverError = { code?: unknown; errno?: unknown; sqlState?: unknown };

/**
 * Postgres, by SQLSTATE or its class: PostgreSQL documentation, appendix A, “PostgreSQL Error Codes”. A whole code goes
 * before its class.
 */
export const POSTGRES_FAILURES: Readonly<Record<string, FailureClass>> = {
  '08': 'passing', // connection exception
  '0B': 'passing', // invalid transaction initiation
  '20': 'row', // case not found: a trigger’s
  '21': 'row', // cardinality violation: two rows of one statement are the same to the target
  '22': 'row', // data exception: too long, out of range, not of that type
  '23': 'row', // integrity constraint violation
  '25': 'passing', // invalid transaction state: read-only after a fail-over, ended for its idleness
  '27': 'row', // triggered data change violation
  '28': 'stop', // invalid authorization
  '2F': 'row', // SQL routine exception: a trigger’s
  '38': 'row', // external routine exception
  '39': 'row', // external routine invocation exception
  '3D': 'stop', // no such database
  '3F': 'stop', // no such schema
  '40': 'passing', // serialization failure, deadlock
  '40002': 'row', // a constraint, at the end of the transaction
  '42': 'stop', // no such table, column or function; no privilege
  '44': 'row', // WITH CHECK OPTION violation
  '53': 'passing', // insufficient resources: disk full, out of memory, too many connections
  '54': 'row', // program limit exceeded: an index row too large
  '55': 'passing', // object not in prerequisite state: locked, in use
  '55000': 'stop', // as a table without replica identity that publishes updates
  '57': 'passing', // operator intervention: shutdown, cancelled
  '57P04': 'stop', // the database was dropped
  '58': 'passing', // system error
  '72': 'passing', // snapshot too old
  P0: 'row', // PL/pgSQL: RAISE, no data found, too many rows, assert
  XX001: 'stop', // data corrupted
  XX002: 'stop', // index corrupted
};

/**
 * MySQL, by error number: MySQL 9 Error Message Reference, “Server Error Message Reference”. They go before the class of
 * the SQLSTATE, because most of them share HY000 and 42000.
 */
export const MYSQL_FAILURES: Readonly<Record<number, FailureClass>> = {
  ...of('row', [
    ...[1048, 1138, 1263, 1364], // NULL, or nothing, where there must be something
    ...[1062, 1169, 1586, 3819], // unique, check
    ...[1261, 1262, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1441, 1525, 1690, 3998, 4074], // another type, range, length
    ...[1300, 3854, 3988], // characters that cannot be converted
    ...[1118, 1153, 1162, 1301, 1709, 1713], // row, packet, string, index entry or undo record too large
    ...[1416, 3037, 3055, 3516, 3548, 3616, 3617, 3643, 4032, 4033], // not a geometry
    ...[1526, 1591, 1748], // no partition for it
    ...[3069, 3140, 3141, 3142, 3143, 3144, 3146, 3147, 3150, 3151, 3155, 3156, 3157, 3158, 3853], // JSON
    ...[3751, 3752, 3903, 3904, 3907, 3908], // what an index makes of it
    1644, // SIGNAL: a trigger’s
  ]),
  ...of('passing', [
    ...[1205, 1206, 1213, 1637, 3058, 3572], // locks
    ...[1021, 1026, 1037, 1038, 1041, 1114, 1135, 3170], // disk or memory full
    ...[1040, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 4031], // connections, and their ends
    ...[1290, 1792, 1836, 3100, 3101], // read-only after a fail-over, group replication
    ...[1180, 1181, 1297, 1317, 1412, 1615, 3024], // cut short, to be begun again
  ]),
  ...of('stop', [1044, 1045, 1046, 1049, 1054, 1064, 1142, 1143, 1146, 1197, 1227, 1370, 1449, 3105]), // tables, privileges, logs
};

/** MySQL, by the class of the SQLSTATE, where the number is not known. */
export const MYSQL_CLASSES: Readonly<Record<string, FailureClass>> = {
  '08': 'passing', // connection exception
  '22': 'row', // data exception
  '23': 'row', // integrity constraint violation
  '28': 'stop', // invalid authorization
  '3D': 'stop', // no database
  '40': 'passing', // transaction rollback
  '42': 'stop', // syntax error or access rule violation
  '44': 'row', // WITH CHECK OPTION violation
  '45': 'row', // unhandled user-defined exception: SIGNAL
};

/** Errors of our own code that some row has brought about. */
const BUGS = [TypeError, RangeError, SyntaxError];

/** Tells a failed statement’s error. What no database has said (a lost connection, no answer) passes. */
export function failureOf(error: unknown): FailureClass {
  if (error instanceof TargetRefusesError) return 'stop';
  const { code, errno, sqlState } = error as DriverError;
  if (typeof errno === 'number') return errno > 0 ? mysqlFailure(errno, String(sqlState ?? '')) : 'passing'; // the system’s are negative
  if (typeof code === 'string' && SQLSTATE.test(code)) {
    return POSTGRES_FAILURES[code] ?? POSTGRES_FAILURES[code.slice(0, 2)] ?? 'unknown';
  }
  return BUGS.some((bug) => error instanceof bug) ? 'unknown' : 'passing';
}

/** Unlike `EPIPE`, one has a digit. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** A SIGNAL may name any number; its SQLSTATE says what it is. */
function mysqlFailure(errno: number, sqlState: string): FailureClass {
  if (sqlState.startsWith('45')) return 'row';
  return MYSQL_FAILURES[errno] ?? MYSQL_CLASSES[sqlState.slice(0, 2)] ?? 'unknown';
}

/** A target refuses what no leaving out of rows can help. */
export class TargetRefusesError extends Error {
  constructor(what: string, cause: Error) {
    super(`the target refuses ${what}: ${cause.message}`, { cause });
    this.name = 'TargetRefusesError';
  }
}

/** True if a database does not take a row, whether or not anybody knows why. */
export const isRefusal = (error: unknown): boolean => ['row', 'unknown'].includes(failureOf(error));

function of(failure: FailureClass, errnos: readonly number[]): Record<number, FailureClass> {
  return Object.fromEntries(errnos.map((errno) => [errno, failure]));
}

/** Errors that the sync's own tables or privileges are missing, in both databases. */
const MISSING = new Set<unknown>(['42P01', 'ER_NO_SUCH_TABLE', '42704']);
const FORBIDDEN = new Set<unknown>(['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_SPECIFIC_ACCESS_DENIED_ERROR']);

/** Postgres: another session holds the applier's replication origin. */
const HELD = '55006';

/** An error's message and, where one is known, the next step. */
export function adviceFor(error: Error): string {
  const { code } = error as DriverError;
  const message = error.message || String(code ?? error.name);
  if (MISSING.has(code)) return `${message}; run: strangler init`;
  if (code === HELD) return `${message}: another cdc process applies this stream; stop one of the two`;
  return FORBIDDEN.has(code) ? `${message}; strangler doctor names the GRANT` : message;
}
