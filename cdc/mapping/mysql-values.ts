import type { Value } from '@strangler/ledger';
import { readJson } from './json-text.ts';
import type { MappedColumn, Row } from './mapping.ts';
import { isNumber, isStoredInteger, shortestDouble } from './number-text.ts';

/**
 * A value that MySQL would change, or compare as another one, instead of refusing it. It counts as refused by the database: the row is kept for a
 * person, others go on.
 */
export class UnstorableError extends Error {
  /** The SQLSTATE of a value out of range, which `failures.ts` takes for the row's own fault. */
  readonly code = '22003';

  constructor(column: MappedColumn, what: string) {
    super(`${column.monolith.name} cannot hold it: ${what}`);
    this.name = 'UnstorableError';
  }
}

/** A canonical text as MySQL takes it; integers as numbers, so that keys are looked up as keys. Throws UnstorableError. */
export function mysqlValue(column: MappedColumn, text: string | null): Value {
  if (text === null) return null;
  switch (column.kind.name) {
    case 'integer':
    case 'boolean':
      return integer(column, text);
    case 'binary':
      return bytes(column, text);
    case 'text':
      if (column.monolith.type === 'char' && !column.kind.padded && text.endsWith(' ')) {
        throw new UnstorableError(column, 'it ends with a space, which CHAR drops');
      }
      return text;
    case 'decimal':
    case 'double':
      if (!isNumber(text)) throw new UnstorableError(column, `${text} is no number to MySQL`);
      return text;
    case 'date':
    case 'instant':
      if (!IN_MYSQLS_YEARS.test(text)) throw new UnstorableError(column, `${text} is outside of MySQL's years`);
      return text.replace('T', ' ').replace('Z', '');
    case 'json':
      return document(column, text);
    default:
      return text;
  }
}

const IN_MYSQLS_YEARS = /^\d{4}-.*[\dZ]$/;

/** True if MySQL may have a row with these values; where it cannot, a look for one would find another: 0 for 'NaN'. */
export function isFindable(columns: readonly MappedColumn[], row: Row): boolean {
  try {
    for (const column of columns) mysqlValue(column, row[column.name] ?? null);
    return true;
  } catch (error) {
    if (error instanceof UnstorableError) return false;
    throw error;
  }
}

function integer(column: MappedColumn, text: string): bigint {
  if (!/^-?\d+$/.test(text)) throw new UnstorableError(column, `${text} is no integer, MySQL would round it`);
  const value = BigInt(text);
  if (column.monolith.type === 'year' && value !== 0n && value < 100n) {
    throw new UnstorableError(column, `MySQL takes the year ${text} for one of a century`);
  }
  return value;
}

function bytes(column: MappedColumn, hex: string): Buffer {
  const value = Buffer.from(hex, 'hex');
  const { fixed, bytes: wanted } = column.monolith;
  if (!fixed || value.length >= wanted!) return value;
  throw new UnstorableError(column, `it has ${value.length} bytes, which MySQL would fill up to ${wanted}`);
}

const DEEPEST = 100;

/** MySQL keeps integers of 64 bits and doubles, one of two equal keys, and a hundred levels. */
function document(column: MappedColumn, text: string): string {
  const { numbers, repeated, depth } = readJson(text);
  if (repeated !== undefined) {
    throw new UnstorableError(column, `the key ${repeated} occurs twice in one object, MySQL keeps one`);
  }
  if (depth > DEEPEST) throw new UnstorableError(column, `${depth} levels in a document, MySQL takes ${DEEPEST}`);
  for (const number of numbers) {
    if (isStoredInteger(number) || shortestDouble(number) === number) continue;
    throw new UnstorableError(column, `the number ${number.slice(0, 40)} has more digits than MySQL keeps in JSON`);
  }
  return text;
}
