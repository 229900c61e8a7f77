import { quoted } from '@strangler/ledger';
import {
  canonicalUser,
  columnsOfWay,
  type Shared,
  type Side,
  sayWay,
  type Table,
  type UserType,
  type Way,
  waysOf,
} from '@strangler/plan';
import type { Column, TableShape } from './columns.ts';
import { modifyColumn } from './modify.ts';
import { isAssured } from './null-checks.ts';
import type { Kind } from './value-kinds.ts';

type Say = (reason: string) => void;
type Tables = Readonly<Record<Side, string>>;
/** The column of both sides; `name` is the monolith’s. */
type UserColumn = { readonly name: string; readonly kind: Kind } & Readonly<Record<Side, Column>>;

/**
 * How a row reaches its user: by the first of these ways whose columns are not NULL. With `unowned`, a row of which no way
 * tells the user is the monolith’s; what is shared is everybody’s. Where all moves at once (`split: none`), each row is like
 * a user of its own, named by its table and key: all of them are where everybody is, and one that the target refuses holds
 * up no other.
 */
export type UserPath =
  | {
      readonly ways: readonly Way[];
      readonly type: UserType;
      readonly unowned?: boolean;
      /** Ways behind the first of which both databases see to it that they are not set beside one before them. */
      readonly apart?: readonly Way[];
    }
  | { readonly shared: Shared }
  | { readonly each: string; readonly key: readonly string[] };

/** Stands for the user of rows that have none, or are everybody’s; no user is called like this. */
export const NOBODY = '';

type Owned = { readonly user: UserPath };
type Values = Readonly<Record<string, string | null>>;

/** True for a table of which either side inserts rows that are nobody’s. */
export const isInsertedByBoth = ({ user }: Owned): boolean => 'shared' in user && user.shared !== 'monolith';

/** All ways from rows to their user; none if they are everybody’s, or each its own. */
export const waysIn = (user: UserPath): readonly Way[] => ('ways' in user ? user.ways : []);

/** The columns that lead from a row to its user, by whichever way; none if it is everybody’s. */
export const pathOf = (user: UserPath): readonly string[] =>
  'each' in user ? user.key : [...new Set(waysIn(user).flatMap(columnsOfWay))];

/** The way that tells a row’s user; none for a row of nobody. */
export const wayOf = ({ user }: Owned, row: Values): Way | undefined =>
  waysIn(user).find((way) => columnsOfWay(way).every((column) => row[column] != null));

/** One text for rows that the same way leads on to the same; of rows that are each its own, those of one key. */
export function leadOf(table: Owned, row: Values): string {
  if ('each' in table.user) return keyText(table.user.key, row);
  const way = wayOf(table, row);
  return way ? JSON.stringify([waysIn(table.user).indexOf(way), columnsOfWay(way).map((column) => row[column])]) : '';
}

/**
 * The ways that tell the user wherever they are set: the first, and those that stand for themselves. Rows that have the same
 * values there have the same user.
 */
export const certainWays = (user: UserPath): readonly Way[] =>
  'ways' in user ? [...user.ways.slice(0, 1), ...(user.apart ?? [])] : [];

/** True if rows that agree in these columns are of one user. */
export const tellUser = (user: UserPath, columns: readonly string[]): boolean =>
  certainWays(user).some((way) => columnsOfWay(way).every((column) => columns.includes(column)));

/** The columns of a table that lead to its rows’ users, and what both databases say of it. */
type Leading = { readonly columns: readonly UserColumn[]; readonly shapes: Readonly<Record<Side, TableShape>> };

/** Those of a table’s columns that the Plan’s ways name. */
export function leadingIn(declared: Table, columns: readonly UserColumn[], shapes: Leading['shapes']): Leading {
  const named = waysOf(declared).flatMap(columnsOfWay);
  return { columns: columns.filter(({ name }) => named.includes(name)), shapes };
}

/** How the rows of a table reach their user, as the Plan says and both databases see to it. */
export function userPathOf(declared: Table, type: UserType, leading: Leading): UserPath {
  if (declared.shared) return { shared: declared.shared };
  const ways = waysOf(declared);
  const { table, primaryKey } = leading.shapes.monolith;
  if (!ways.length) return { each: table, key: primaryKey };
  const apart = ways.slice(1).filter((way, nth) => {
    const earlier = ways.slice(0, nth + 1);
    return SIDES.every((side) => isSure(side, leading, (isSet) => !(isSet(way) && earlier.some(isSet))));
  });
  return { ways, type, unowned: declared.unowned !== undefined, apart };
}

/** True if every row that a side lets in is as `wanted`. */
const isSure = (side: Side, { columns, shapes }: Leading, wanted: (isSet: (way: Way) => boolean) => boolean): boolean =>
  isAssured(
    columns.map((column) => column[side]),
    shapes[side].checks ?? [],
    (isNull) => wanted((way) => columnsOfWay(way).every((name) => !isNull(nameOn(side, columns, name)))),
  );

const SIDES = ['monolith', 'service'] as const;

const nameOn = (side: Side, columns: readonly UserColumn[], name: string): string =>
  columns.find((column) => column.name === name)?.[side].name ?? name;

/** Says what is wrong with the columns that lead to a row’s user. */
export function checkUserPath(user: UserPath, leading: Leading, say: Say): void {
  if (!('ways' in user)) return;
  const { ways, type, unowned } = user;
  const tables = { monolith: leading.shapes.monolith.table, service: leading.shapes.service.table };
  const isOne = ways.length === 1;
  for (const column of leading.columns) {
    if (isOne && !unowned) checkOwner(column, tables, say);
    else checkUnowned(column, tables.service, say);
    if (!isOne) checkOtherWay(column, tables.service, say);
    if (ways.some((way) => 'column' in way && way.column === column.name)) checkUserType(column, type, say);
  }
  checkLaterWays(ways, leading, say);
  if (!isOne && !unowned) checkSomeWay(ways, leading, tables, say);
}

/** A way behind one that is always set is none: the row has one user. */
function checkLaterWays(ways: readonly Way[], { columns }: Leading, say: Say): void {
  const isAlwaysSet = (way: Way) =>
    columnsOfWay(way).every((name) => {
      const column = columns.find((one) => one.name === name);
      return column && !column.monolith.nullable && !column.service.nullable;
    });
  const always = ways.findIndex(isAlwaysSet);
  if (always < 0 || always === ways.length - 1) return;
  say(
    `its way ${sayWay(ways[always + 1]!)} never tells a user: ${sayWay(ways[always]!)} before it is NOT NULL. A row has one user: what another one ` +
      'writes into it goes as a request of that user (a source `row` of user), or into a table of its own; leave the way out',
  );
}

/** A row that leaves a column NULL, because another one leads to its user, must fit in the monolith, too. */
function checkOtherWay({ name, monolith, service }: UserColumn, table: string, say: Say): void {
  if (monolith.nullable || !service.nullable) return;
  const alter = `ALTER TABLE ${quoted('postgres', table)} ALTER COLUMN ${quoted('postgres', service.name)} SET NOT NULL;`;
  say(`column ${name} may be NULL in the service and not in the monolith, which could not hold such a row: ${alter}`);
}

/** Each way may be NULL, but not all of them. */
function checkSomeWay(ways: readonly Way[], leading: Leading, tables: Tables, say: Say): void {
  const lacking = SIDES.filter((side) => !isSure(side, leading, (isSet) => ways.some(isSet)));
  if (!lacking.length) return;
  const fixes = lacking.map((side) => {
    const quote = (name: string) => quoted(side === 'monolith' ? 'mysql' : 'postgres', name);
    const isSet = (way: Way) =>
      columnsOfWay(way).map((name) => `${quote(nameOn(side, leading.columns, name))} IS NOT NULL`);
    const any = ways.map((way) =>
      ways.some((one) => columnsOfWay(one).length > 1) ? `(${isSet(way).join(' AND ')})` : isSet(way)[0],
    );
    const called = quote(`${tables[side]}_has_user`.slice(-60));
    return `ALTER TABLE ${quote(tables[side])} ADD CONSTRAINT ${called} CHECK (${any.join(' OR ')});`;
  });
  say(
    `its ways to a user (${ways.map(sayWay).join('; ')}) may all be NULL ${lacking.map((side) => `in the ${side}`).join(' and ')}, and a row of nobody has no side to be on: ${fixes.join(' ')} -- or, if such rows are the monolith’s: unowned: monolith under this table of the Plan`,
  );
}

/** Rows of nobody must fit on both sides. */
function checkUnowned({ name, monolith, service }: UserColumn, table: string, say: Say): void {
  if (!monolith.nullable || service.nullable) return;
  const alter = `ALTER TABLE ${quoted('postgres', table)} ALTER COLUMN ${quoted('postgres', service.name)} DROP NOT NULL;`;
  say(`column ${name} may be NULL in the monolith and not in the service, which could not hold such a row: ${alter}`);
}

/** A key as one text. */
export const keyText = (key: readonly string[], row: Readonly<Record<string, string | null>>): string =>
  key.length === 1 ? String(row[key[0]!]) : JSON.stringify(key.map((column) => row[column]));

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

/** A table, as far as rows of others lead to it by its primary key. */
type ParentColumn = UserColumn & { readonly refers?: { readonly name: string } };
type Parent = { readonly name: string; readonly key: readonly string[]; readonly columns: readonly ParentColumn[] };

/** What keeps the columns of a table’s ways from leading to one row of a parent. */
export function mistakesOfParents(
  { name, user, columns }: Parent & Owned,
  tables: ReadonlyMap<string, Parent>,
): string[] {
  const kindOf = (of: readonly UserColumn[], wanted: string) => of.find((column) => column.name === wanted)!.kind.name;
  return waysIn(user).flatMap((way) => {
    const parent = 'of' in way ? tables.get(way.of) : undefined;
    if (!('of' in way) || !parent) return [];
    const { through, of } = way;
    if (through.length !== parent.key.length) {
      return `${name}: ${through.join(', ')} cannot lead to one row of ${of}, whose primary key is (${parent.key.join(', ')}): name the columns that hold all of it, in its order, as in through: [${parent.key.join(', ')}]`;
    }
    return parent.key.flatMap((key, at) => {
      const held = parent.columns.find((column) => column.name === key)!.refers;
      if (held) {
        return `${name}: its user is reached through ${of}, whose primary key has ids of ${held.name}, which differ between the sides: name the table that ${of} leads to itself`;
      }
      const [from, to] = [kindOf(columns, through[at]!), kindOf(parent.columns, key)];
      if (from === to) return [];
      return `${name}: column ${through[at]} is ${from}, and ${key} of ${of}, to which it leads, is ${to}: no row would be found by it. Give both one type on each side`;
    });
  });
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
 * The user of a row that has a column for it: NOBODY or null if it says none, undefined if it is reached through a parent or
 * names nobody of the Plan’s userType.
 */
export function userIn(table: Owned, row: Values): string | null | undefined {
  const { user } = table;
  if ('shared' in user) return NOBODY;
  if ('each' in user) return `${user.each} ${keyText(user.key, row)}`;
  const way = wayOf(table, row);
  if (!way) return user.unowned ? NOBODY : null;
  return 'column' in way ? canonicalUser(user.type, row[way.column]!) : undefined;
}
