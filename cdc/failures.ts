/** What a failed statement means for a stream. */
export type Failure =
  /** The row itself cannot be applied, today or tomorrow. */
  | 'row'
  /** Something around it is in the way and may go: retried for ever. */
  | 'passing';

type DriverError = { code?: unknown; errno?: unknown; sqlState?: unknown };

/** MySQL's errors about the values of a row. */
const MYSQL_ROW_ERRORS = new Set([
  1048, 1062, 1138, 1169, 1261, 1263, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1441, 1525, 1526, 1586, 1690, 3140,
  3141, 3146, 3156, 3819, 4025,
]);

/** Tells a failed statement's error: Postgres by SQLSTATE class 22 or 23, MySQL by number; all else may pass. */
export function failureOf(error: unknown): Failure {
  const { code, errno } = error as DriverError;
  if (typeof errno === 'number' && MYSQL_ROW_ERRORS.has(errno)) return 'row';
  if (typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code)) return 'row';
  return 'passing';
}

/** True if the session may go on after this error, once its transaction has been rolled back. */
export function sessionSurvives(error: unknown): boolean {
  const { code, errno, sqlState } = error as DriverError;
  if (typeof code === 'string' && /^(22|23|40|55)[0-9A-Z]{3}$/.test(code)) return true;
  return typeof errno === 'number' && errno > 0 && typeof sqlState === 'string' && !sqlState.startsWith('08');
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
