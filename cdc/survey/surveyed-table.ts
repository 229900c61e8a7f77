import { quoted, type Session, type Value } from '@strangler/ledger';
import { type Capability, columnsOfWay, type UserType, waysOf } from '@strangler/plan';
import type { Image } from '../log/row-change.ts';
import { asStored } from '../mapping/captured-row.ts';
import { type Column, readShape } from '../mapping/columns.ts';

/** A way to a row’s user; `of`: its columns hold the key of a parent. */
export type SurveyedWay = { readonly columns: readonly Column[]; readonly of?: string };

/**
 * A table of the Plan as the monolith has it, as far as a survey needs it: nothing of the service's side, and no demand
 * that the two fit, because a survey comes before the advice of doctor has been followed.
 */
export type SurveyedTable = {
  readonly capability: string;
  readonly name: string;
  readonly key: readonly Column[];
  /** None: everybody’s, who moves at once. */
  readonly ways: readonly SurveyedWay[];
  readonly userType: UserType;
  readonly touched: readonly string[];
  /** Deleted with a row of another table by the database itself: the column that leads there. */
  readonly cascades: readonly { readonly column: string; readonly parent: string; readonly parentColumn: string }[];
};

/** The tables of one capability by name. */
export type SurveyedTables = ReadonlyMap<string, SurveyedTable>;

/** Reads them from the monolith's database. Throws an Error naming everything that is missing there. */
export async function readTables(session: Session, capability: string, plan: Capability): Promise<SurveyedTables> {
  const tables = new Map<string, SurveyedTable>();
  const reasons: string[] = [];
  for (const [name, { user, shared, touched }] of Object.entries(plan.tables)) {
    if (shared) continue; // which anybody writes, on either side
    const ways = waysOf({ user });
    const path = ways.flatMap(columnsOfWay);
    const shape = await readShape(session, name);
    const columnOf = (column: string) => shape?.columns.find((one) => one.name === column);
    const missing = path.filter((column) => !columnOf(column));
    if (!shape) reasons.push(`${name}: not found in the monolith's database, or this user may not see it`);
    else if (missing.length) reasons.push(`${name}: has no column ${missing.join(', ')}`);
    else if (!shape.primaryKey.length) reasons.push(`${name}: has no primary key`);
    if (!shape || missing.length || !shape.primaryKey.length) continue;
    tables.set(name, {
      capability,
      name,
      key: shape.primaryKey.map((column) => columnOf(column)!),
      ways: ways.map((way) => ({
        columns: columnsOfWay(way).map((column) => columnOf(column)!),
        ...('of' in way && { of: way.of }),
      })),
      userType: plan.userType,
      touched,
      cascades: await readCascades(session, name),
    });
  }
  if (reasons.length)
    throw new Error(`${capability} cannot be surveyed:\n${reasons.map((one) => `  ${one}`).join('\n')}`);
  return tables;
}

async function readCascades(session: Session, table: string): Promise<SurveyedTable['cascades']> {
  const { rows } = await session.query<Record<string, string>>(
    `SELECT k.COLUMN_NAME AS col, k.REFERENCED_TABLE_NAME AS parent, k.REFERENCED_COLUMN_NAME AS parent_col
     FROM information_schema.KEY_COLUMN_USAGE k
     JOIN information_schema.REFERENTIAL_CONSTRAINTS r
       ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
     WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = ? AND r.DELETE_RULE = 'CASCADE'`,
    [table],
  );
  return rows.map(({ col, parent, parent_col }) => ({ column: col!, parent: parent!, parentColumn: parent_col! }));
}

/** A value of a captured image as text; undefined if the image has no such column. */
export function textIn(column: Column, image: Image): string | null | undefined {
  const value = image[column.name];
  if (value === undefined || value === null) return value as null | undefined;
  return String(asStored(column, value));
}

/** The primary key of a captured image, for people. */
export const sayKey = ({ key }: SurveyedTable, image: Image): string =>
  key.map((column) => textIn(column, image) ?? 'NULL').join(', ');

const BINARY = /binary|blob/;

/** Reads columns of the row with this key; undefined if there is no such row. */
export async function readColumns(
  session: Session,
  { name, key }: SurveyedTable,
  columns: readonly Column[],
  values: readonly string[],
): Promise<(string | null)[] | undefined> {
  const quote = (one: string) => quoted('mysql', one);
  const wanted = key.map(({ type }, at): Value => (BINARY.test(type) ? Buffer.from(values[at]!, 'hex') : values[at]!));
  const { rows } = await session.query<Record<string, unknown>>(
    `SELECT ${columns.map((column, at) => `${quote(column.name)} AS c${at}`).join(', ')} FROM ${quote(name)}
     WHERE ${key.map((column) => `${quote(column.name)} = ?`).join(' AND ')}`,
    wanted,
  );
  const [row] = rows;
  return row && columns.map((_, at) => textOf(row[`c${at}`]));
}

function textOf(found: unknown): string | null {
  if (found == null) return null;
  return Buffer.isBuffer(found) ? found.toString('hex') : String(found);
}
