import type { Dialect } from './session.ts';

/**
 * A text for comparison by what it says and nothing else: MySQL's collations hold 'abc' and 'ABC', 'é' and 'e', 'a' and
 * 'a ' for equal, Postgres' do not. No index helps with it, so ask for the column itself as well where one should.
 */
export const exactly = (dialect: Dialect, expression: string): string =>
  dialect === 'mysql' ? `CONVERT(${expression} USING utf8mb4) COLLATE utf8mb4_0900_bin` : expression;
