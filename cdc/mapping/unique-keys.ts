import { quoted, type Session } from '@strangler/ledger';
import { columnsOfWay, otherSide, type Side } from '@strangler/plan';
import { type Column, MYSQL_EXACT } from './columns.ts';
import { columnOf, type MappedTable } from './mapping.ts';
import { modifyColumn } from './modify.ts';
import { tellUser, waysIn } from './user-column.ts';

/** A unique key of a mapped table on one side. */
export type UniqueKey = {
  readonly side: Side;
  readonly name: string;
  readonly isPrimary: boolean;
  /** True if a constraint of Postgres stands on it. */
  readonly isConstraint: boolean;
  /** Its parts as this side writes them: quoted names and expressions. */
  readonly parts: readonly string[];
  /** Mapped columns it looks at, by the monolith's names. */
  readonly columns: readonly string[];
  /** True if a part is an expression, or only the beginning of a column. */
  readonly isComputed: boolean;
  /** Postgres: the condition under which it holds, or nothing. */
  readonly where: string;
};

/** What is wrong with a unique key, and the statement that ends it, with the line of the Plan that says why it is right. */
export type KeyProblem = { readonly key: UniqueKey; readonly what: string; readonly why: string; readonly fix: string };

type Part = Readonly<Record<'name' | 'part' | 'where', string>> &
  Readonly<Record<'isPrimary' | 'isConstraint' | 'isComputed', unknown>>;

const MYSQL_KEYS = `SELECT INDEX_NAME AS name, COALESCE(CONCAT('(', EXPRESSION, ')'), CONCAT('\`', REPLACE(COLUMN_NAME, '\`', '\`\`'), '\`',
    COALESCE(CONCAT('(', SUB_PART, ')'), ''))) AS part, INDEX_NAME = 'PRIMARY' AS isPrimary, 0 AS isConstraint,
    COLUMN_NAME IS NULL OR SUB_PART IS NOT NULL AS isComputed, '' AS \`where\`
  FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0
  ORDER BY INDEX_NAME, SEQ_IN_INDEX`;
const POSTGRES_KEYS = `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid, k.at, true) AS part, i.indisprimary AS "isPrimary",
    EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u')) AS "isConstraint",
    i.indkey[k.at - 1] = 0 AS "isComputed", COALESCE(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS "where"
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN generate_series(1, i.indnkeyatts::int) AS k(at)
  WHERE i.indrelid = to_regclass(quote_ident(?)) AND i.indisunique ORDER BY 1, k.at`;

/** All unique keys of a mapped table on a side, the primary one among them. */
export async function readUniqueKeys(session: Session, table: MappedTable, side: Side): Promise<UniqueKey[]> {
  const sql = session.dialect === 'mysql' ? MYSQL_KEYS : POSTGRES_KEYS;
  const { rows } = await session.query<Part>(sql, [table.tables[side]]);
  return [...Map.groupBy(rows, ({ name }) => name)].map(([name, parts]) => ({
    ...{ side, name, isPrimary: Boolean(parts[0]!.isPrimary), isConstraint: Boolean(parts[0]!.isConstraint) },
    parts: parts.map(({ part }) => part),
    columns: [...new Set(parts.flatMap(({ part }) => columnsIn(table, side, part)))],
    isComputed: parts.some(({ isComputed }) => Boolean(isComputed)),
    where: parts[0]!.where,
  }));
}

/** The mapped columns that a part of a key names, by the monolith's names. */
function columnsIn(table: MappedTable, side: Side, part: string): string[] {
  const words = new Set((part.match(/"(?:[^"]|"")+"|`(?:[^`]|``)+`|\w+/g) ?? []).map(unquoted));
  return table.columns.filter((column) => words.has(column[side].name)).map(({ name }) => name);
}

const unquoted = (word: string): string =>
  /^(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`)$/.test(word)
    ? word.slice(1, -1).replaceAll('""', '"').replaceAll('``', '`')
    : word;

/**
 * The keys that both sides could give away to two users, and those under which one side takes two texts for equal and the
 * other does not: what one side accepts, the other has no room for. Nothing of keys that the Plan calls distinct.
 */
export function problemsOf(table: MappedTable, keys: readonly UniqueKey[]): KeyProblem[] {
  // Two rows that are shared by key and have one key are one, whatever else a key holds.
  const isOne = ({ columns }: UniqueKey) => table.ownId && table.key.every((name) => columns.includes(name));
  const undeclared = keys.filter((key) => !isOne(key) && !table.distinct.some((set) => isSameSet(set, key.columns)));
  return undeclared.flatMap((key) => [...spanning(table, key), ...unequal(table, key)]);
}

export const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  new Set(a).size === new Set(b).size && a.every((one) => b.includes(one));

function spanning(table: MappedTable, key: UniqueKey): KeyProblem[] {
  const { columns } = key;
  const { sameWhen, user } = table;
  if ('each' in user || ('shared' in user && user.shared === 'monolith')) return []; // which has one writer
  const isOneThing = sameWhen.length > 0 && sameWhen.every((name) => columns.includes(name));
  if (isOneThing || isMinted(table, key) || tellUser(user, columns)) return [];
  const [way] = waysIn(user);
  const owner = way && columnsOfWay(way).filter((name) => !columns.includes(name));
  return [
    {
      key,
      what: `${sayKey(key)} spans users`,
      why: 'each side would give the same value away to another user; the other database has room for one of them',
      fix: owner ? `${replaceKey(table, key, owner)} ${orDistinct(table, key)}` : orDistinct(table, key),
    },
  ];
}

/** Ids that nobody chooses: one number, odd here and even there, which doctor checks, or UUIDs. */
function isMinted(table: MappedTable, { isPrimary, isComputed, columns }: UniqueKey): boolean {
  const kinds = columns.map((name) => columnOf(table, name).kind.name);
  if (!isPrimary || isComputed) return false;
  return kinds.every((kind) => kind === 'uuid' || kind === 'binary') || (kinds.length === 1 && kinds[0] === 'integer');
}

function unequal(table: MappedTable, key: UniqueKey): KeyProblem[] {
  return looseIn(table, key.columns).map((column) => ({
    key,
    what: `${sayKey(key)} holds ${column.name}, of which only the ${column.loose} takes texts for equal that differ in case, accents or spaces at the end`,
    why: `what the ${otherSide(column.loose)} takes for two values is one to the ${column.loose}, which has room for one of the rows`,
    fix: `${column.fix} ${orDistinct(table, key)}`,
  }));
}

/** Text columns of which one side takes values for equal that the other tells apart, and what makes them alike. */
export function looseIn(table: MappedTable, names: readonly string[]): { name: string; loose: Side; fix: string }[] {
  return table.columns.flatMap(({ name, kind, monolith, service }) => {
    const [here, there] = [Boolean(monolith.loose), Boolean(service.loose)];
    if (kind.name !== 'text' || here === there || !names.includes(name) || monolith.type === 'enum') return [];
    const loose = here ? ('monolith' as const) : ('service' as const);
    return [
      { name, loose, fix: here ? tellApart(table.tables.monolith, monolith) : plain(table.tables.service, service) },
    ];
  });
}

const tellApart = (table: string, column: Column): string =>
  modifyColumn(table, column, { charset: 'utf8mb4', collation: MYSQL_EXACT });

const plain = (table: string, { name, declared, type }: Column): string =>
  `ALTER TABLE ${quoted('postgres', table)} ALTER COLUMN ${quoted('postgres', name)} TYPE ${declared ?? type} COLLATE "default";`;

const sayKey = ({ isPrimary, name, parts, side }: UniqueKey): string =>
  `${isPrimary ? 'primary' : 'unique'} key ${name} (${parts.map((part) => unquoted(part)).join(', ')}) of the ${side}`;

const orDistinct = ({ name }: MappedTable, { columns }: UniqueKey): string =>
  `-- or, if both sides never give the same value away: distinct: [[${columns.join(', ')}]] under tables.${name} of the Plan`;

/** The statement that makes columns part of a key. */
function replaceKey({ tables, columns }: MappedTable, key: UniqueKey, names: readonly string[]): string {
  const dialect = key.side === 'monolith' ? 'mysql' : 'postgres';
  const quote = (one: string) => quoted(dialect, one);
  const [table, name] = [quote(tables[key.side]), quote(key.name)];
  const parts = `(${[...names.map((name) => quote(columnOf({ columns }, name)[key.side].name)), ...key.parts].join(', ')})`;
  if (dialect === 'mysql') {
    const kind = key.isPrimary ? 'PRIMARY KEY' : `INDEX ${name}`;
    return `ALTER TABLE ${table} DROP ${kind}, ADD ${key.isPrimary ? kind : `UNIQUE ${kind}`} ${parts};`;
  }
  if (!key.isConstraint) return `DROP INDEX ${name}; CREATE UNIQUE INDEX ${name} ON ${table} ${parts}${key.where};`;
  return `ALTER TABLE ${table} DROP CONSTRAINT ${name}, ADD CONSTRAINT ${name} ${key.isPrimary ? 'PRIMARY KEY' : 'UNIQUE'} ${parts};`;
}
