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
