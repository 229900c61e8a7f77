import { quoted } from '@strangler/ledger';
import { canonicalUser, type Shared, type Side, type UserType } from '@strangler/plan';
import type { Column } from './columns.ts';
import { modifyColumn } from './modify.ts';
import type { Kind } from './value-kinds.ts';

type Say = (reason: string) => void;
type Tables = Readonly<Record<Side, string>>;
/** The column of both sides; `name` is the monolith’s. */
type UserColumn = { readonly name: string; readonly kind: Kind } & Readonly<Record<Side, Column>>;

/** How a row reaches its user. With `unowned`, one that has none is the monolith’s; what is shared is everybody’s. */
export type UserPath =
  | { readonly column: string; readonly type: UserType; readonly unowned?: boolean }
  | { readonly through: string; readonly of: string }
  | { readonly shared: Shared };

/** Stands for the user of rows that have none, or are everybody’s; no user is called like this. */
export const NOBODY = '';

/** True for a table of which either side inserts rows that are nobody’s. */
export const isInsertedByBoth = ({ user }: { readonly user: UserPath }): boolean =>
  'shared' in user && user.shared !== 'monolith';

/** The column that leads from a row to its user: its own, or its parent’s key; none if it is everybody’s. */
export const pathOf = (user: UserPath): readonly string[] => {
  if ('shared' in user) return [];
  return ['column' in user ? user.column : user.through];
};

/** Says what is wrong with the column that leads to a row’s user. */
export function checkUserColumn(column: UserColumn, tables: Tables, user: UserPath, say: Say): void {
  if ('column' in user && user.unowned) checkUnowned(column, tables.service, say);
  else checkOwner(column, tables, say);
  if ('column' in user) checkUserType(column, user.type, say);
}

/** Rows of nobody must fit on both sides. */
function checkUnowned({ name, monolith, service }: UserColumn, table: string, say: Say): void {
  if (!monolith.nullable || service.nullable) return;
  const alter = `ALTER TABLE ${quoted('postgres', table)} ALTER COLUMN ${quoted('postgres', service.name)} DROP NOT NULL;`;
  say(
    `column ${name} may be NULL in the monolith and not in the service, which could not hold rows of nobody: ${alter}`,
  );
}

/** A row of nobody belongs to no side, unless the Plan says to which: both would write it. */
function checkOwner({ name, monolith, service }: UserColumn, tables: Tables, say: Say): void {
  const [where, fixes]: [string[], string[]] = [[], []];
  if (monolith.nullable) {
    where.push('in the monolith');
    fixes.push(modifyColumn(tables.monolith, monolith, { notNull: true }));
  }
  if (service.nullable) {
    where.push('in the service');
    const [table, column] = [tables.service, service.name].map((one) => quoted('postgres', one));
    fixes.push(`ALTER TABLE ${table} ALTER COLUMN ${column} SET NOT NULL;`);
  }
  if (!where.length) return;
  say(
    `column ${name}, which says whose a row is, may be NULL ${where.join(' and ')}, and a row of nobody has no side to be on: ${fixes.join(' ')} -- or, if such rows are the monolith’s: unowned: monolith under this table of the Plan`,
  );
}

/** What a column must be so that its users are of a type. */
const HOLDS: Record<UserType, readonly Kind['name'][]> = {
  text: ['text'],
  caseless: ['text'],
  integer: ['integer'],
  uuid: ['uuid', 'text', 'binary'],
};

/** Requests and rows must mean the same user by the same text. */
function checkUserType({ name, kind, monolith, service }: UserColumn, type: UserType, say: Say) {
  const column = `column ${name}, which says whose a row is, is ${monolith.type} in the monolith and ${service.type} in the service`;
  if (!HOLDS[type].includes(kind.name)) {
    const better = (Object.keys(HOLDS) as UserType[]).find((one) => HOLDS[one].includes(kind.name));
    say(`${column}, but the Plan’s userType is ${type}; ${better ? `userType: ${better} fits` : 'no userType fits'}`);
  } else if (type === 'text' && monolith.loose) {
    say(
      `${column}, and the monolith’s collation takes users for equal that differ in case: they would be two users here. ` +
        'Set userType: caseless if they are one; else give the column a collation that tells them apart',
    );
  }
}

/**
 * The user of a row that has a column for it: NOBODY or null if that is NULL, undefined if it names nobody of the Plan’s
 * userType.
 */
export function userIn(
  { user }: { readonly user: UserPath },
  row: Readonly<Record<string, string | null>>,
): string | null | undefined {
  if ('shared' in user) return NOBODY;
  if (!('column' in user)) return undefined;
  const spelt = row[user.column];
  if (spelt == null) return user.unowned ? NOBODY : null;
  return canonicalUser(user.type, spelt);
}
