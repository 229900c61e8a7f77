import { quoted, type Session, type Value } from '@strangler/ledger';
import type { Capability, UserType } from '@strangler/plan';
import type { Image } from '../log/row-change.ts';
import { asStored } from '../mapping/captured-row.ts';
import { type Column, readShape } from '../mapping/columns.ts';

/**
 * A table of the Plan as the monolith has it, as far as a survey needs it: nothing of the service's side, and no demand
 * that the two fit, because a survey comes before the advice of doctor has been followed.
 */
export type SurveyedTable = {
  readonly capability: string;
  readonly name: string;
  readonly key: readonly Column[];
  readonly user: { readonly column: Column } | { readonly through: Column; readonly of: string };
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
  for (const [name, { user, touched }] of Object.entries(plan.tables)) {
    if (user === undefined) continue; // everybody’s
    const shape = await readShape(session, name);
    const columnOf = (column: string) => shape?.columns.find((one) => one.name === column);
    const path = columnOf(typeof user === 'string' ? user : user.through);
    if (!shape) reasons.push(`${name}: not found in the monolith's database, or this user may not see it`);
    else if (!path) reasons.push(`${name}: has no column ${typeof user === 'string' ? user : user.through}`);
    else if (!shape.primaryKey.length) reasons.push(`${name}: has no primary key`);
    if (!shape || !path || !shape.primaryKey.length) continue;
    tables.set(name, {
      capability,
      name,
      key: shape.primaryKey.map((column) => columnOf(column)!),
      user: typeof user === 'string' ? { column: path } : { through: path, of: user.of },
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

/** Reads one column of the row with this key; undefined if there is no such row. */
export async function readColumn(
  session: Session,
  { name, key }: SurveyedTable,
  { name: column }: Column,
  value: string,
): Promise<string | null | undefined> {
  const quote = (one: string) => quoted('mysql', one);
  const [first] = key;
  const wanted: Value = BINARY.test(first!.type) ? Buffer.from(value, 'hex') : value;
  const { rows } = await session.query<{ found: unknown }>(
    `SELECT ${quote(column)} AS found FROM ${quote(name)} WHERE ${quote(first!.name)} = ?`,
    [wanted],
  );
  const [row] = rows;
  if (!row || row.found === null) return row && null;
  return Buffer.isBuffer(row.found) ? row.found.toString('hex') : String(row.found);
}
