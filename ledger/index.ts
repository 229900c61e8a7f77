export {
  addToCauses,
  type CauseRow,
  countKept,
  countQuarantine,
  expectEntries,
  pruneQuarantine,
  readCauses,
  unexpectedOf,
} from './causes.ts';
export { NoAnswerError } from './connection.ts';
export * from './copies.ts';
export * from './corrections.ts';
export { Database, type DatabaseOptions } from './database.ts';
export { exactly } from './exact.ts';
export { prepareFence } from './fence.ts';
export * from './handoffs.ts';
export * from './lease.ts';
export * from './loss.ts';
export { openSession } from './open-session.ts';
export { portions } from './portions.ts';
export * from './progress.ts';
export * from './proxies.ts';
export * from './quarantine.ts';
export { quoted } from './quoted.ts';
export type { Answer, Dialect, Session, SessionOptions, Value } from './session.ts';
export * from './state.ts';
export * from './surveys.ts';
export {
  CAPTURED,
  CONTROL,
  createOrigins,
  createTables,
  dropOrigins,
  dropTables,
  PRIVATE,
  tablesOf,
  writersOf,
} from './tables.ts';
export * from './takeover.ts';
export { MYSQL_TAG, originName, type Writer } from './writer.ts';
