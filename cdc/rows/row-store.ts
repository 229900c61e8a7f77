import { exactly, quoted, type Session, type Value } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { columnOf, type MappedColumn, type MappedTable, type Row } from '../mapping/mapping.ts';
import { isFindable, mysqlValue } from '../mapping/mysql-values.ts';
import { canonical } from '../mapping/value-kinds.ts';
import { placeIn, placesOf } from './places.ts';

/** Rows of one mapped table in one database, in canonical form. */
export interface RowStore {
  /** The rows whose `columns` have one of these values; `hold` locks them until the session's transaction ends. */
  read(columns: readonly string[], like: readonly Row[], hold?: boolean): Promise<Row[]>;
  /** Those of these primary keys under which there is a row, which stays there until the session's transaction ends. */
  holdKeys(keys: readonly Row[]): Promise<Row[]>;
  /** Up to `limit` rows in primary-key order, after `after`. */
  page(after: Row | null, limit: number): Promise<Row[]>;
  /**
   * Makes each row what it says, by primary key. The rows have different keys. `there`: the rows that stand under these
   * keys, if the caller has read them just now.
   */
  write(rows: readonly Row[], there?: readonly Row[]): Promise<void>;
  /** Adds those rows whose key no row has. */
  add(rows: readonly Row[]): Promise<void>;
  /** Removes rows by primary key; what is not there is no error. */
  remove(rows: readonly Row[]): Promise<void>;
}

/** The rows of a table as its database has them, through a session of that. */
export const openPlainStore = (session: Session, table: MappedTable, side: Side): RowStore =>
  session.dialect === 'postgres' ? postgresStore(session, table, side) : mysqlStore(session, table, side);

/** A Postgres time in UTC. to_char says nothing of infinity and leaves out that a year was before Christ. */
function instantText(name: string, type: string): string {
  const utc = type === 'timestamptz' ? `(${name} AT TIME ZONE 'UTC')` : name;
  const era = `CASE WHEN ${utc} < '0001-01-01' THEN ' BC' ELSE '' END`;
  return `COALESCE(to_char(${utc}, 'YYYY-MM-DD"T"HH24:MI:SS.US') || ${era}, ${utc}::text)`;
}

/** A row as a database's own text gave it. */
const fromText = (table: MappedTable, texts: Record<string, unknown>): Row =>
  Object.fromEntries(table.columns.map(({ name, kind }) => [name, canonical(kind, texts[name])]));

/** The same of a primary key alone. */
const keyFromText = (key: readonly MappedColumn[], texts: Record<string, unknown>): Row =>
  Object.fromEntries(key.map(({ name, kind }) => [name, canonical(kind, texts[name])]));

const pick = (table: MappedTable, names: readonly string[]): MappedColumn[] =>
  names.map((name) => columnOf(table, name));

function postgresStore(session: Session, table: MappedTable, side: Side): RowStore {
  const quote = (name: string) => quoted('postgres', name);
  const target = quote(table.tables[side]);
  const own = (column: MappedColumn) => quote(column[side].name);
  const key = pick(table, table.key);
  const rest = table.columns.filter((column) => !key.includes(column));
  const asText = (column: MappedColumn) => {
    const name = `t.${own(column)}`;
    if (column.kind.name === 'instant') return instantText(name, column[side].type);
    if (column.kind.name === 'binary') return `encode(${name}, 'hex')`;
    return `${name}::text`;
  };
  const texts = table.columns.map((column) => `${asText(column)} AS ${quote(column.name)}`).join(', ');
  const asValue = (column: MappedColumn) => {
    const name = `r.${quote(column.name)}`;
    return column.kind.name === 'binary' ? `decode(${name}, 'hex')` : `${name}::${column[side].cast}`;
  };
  const given = (columns: readonly MappedColumn[]) =>
    `json_to_recordset(?::json) AS r(${columns.map(({ name }) => `${quote(name)} text`).join(', ')})`;
  const matches = (columns: readonly MappedColumn[]) =>
    columns.map((column) => `t.${own(column)} = ${asValue(column)}`).join(' AND ');
  const { places, joins } = placesOf(table, side, quote);
  const order = places.map(
    ({ alias, column }) => `${alias}.${own(column)}${column.kind.name === 'text' ? ' COLLATE "C"' : ''}`,
  );
  const comparable = (alias: string, column: MappedColumn) =>
    `${alias}.${own(column)}${column[side].type === 'json' ? '::text' : ''}`;
  const conflict = rest.length
    ? `UPDATE SET ${rest.map((column) => `${own(column)} = excluded.${own(column)}`).join(', ')}
       WHERE (${rest.map((column) => comparable('t', column)).join(', ')})
       IS DISTINCT FROM (${rest.map((column) => comparable('excluded', column)).join(', ')})`
    : 'NOTHING';
  const insert = (otherwise: string, those = '') =>
    `INSERT INTO ${target} AS t (${table.columns.map(own).join(', ')}) OVERRIDING SYSTEM VALUE
     SELECT ${table.columns.map(asValue).join(', ')} FROM ${given(table.columns)} ${those}
     ON CONFLICT (${key.map(own).join(', ')}) DO ${otherwise}`;
  const add = insert('NOTHING', `WHERE NOT EXISTS (SELECT 1 FROM ${target} t WHERE ${matches(key)})`);
  const compared = (column: MappedColumn) => `${asValue(column)}${column[side].type === 'json' ? '::text' : ''}`;
  const update = `UPDATE ${target} t SET ${rest.map((column) => `${own(column)} = ${asValue(column)}`).join(', ')}
     FROM ${given(table.columns)} WHERE ${matches(key)}
     AND (${rest.map((column) => comparable('t', column)).join(', ')}) IS DISTINCT FROM (${rest.map(compared).join(', ')})`;
  const sorted = places.map(({ column }) => column);
  const removal = `DELETE FROM ${target} t USING ${given(key)} WHERE ${matches(key)}`;
  return {
    async read(columns, like, hold = false) {
      if (!like.length) return [];
      const by = pick(table, columns);
      const wanted = like.map((row) => only(row, columns));
      const sql = `SELECT ${texts} FROM ${target} t JOIN (SELECT DISTINCT * FROM ${given(by)}) r ON ${matches(by)}
        ${hold ? 'FOR UPDATE OF t' : ''}`;
      const { rows } = await session.query(sql, [JSON.stringify(wanted)]);
      return rows.map((row) => fromText(table, row));
    },
    async holdKeys(keys) {
      if (!keys.length) return [];
      const wanted = keys.map((row) => only(row, table.key));
      const sql = `SELECT ${key.map((column) => `${asText(column)} AS ${quote(column.name)}`).join(', ')} FROM ${target} t
        JOIN (SELECT DISTINCT * FROM ${given(key)}) r ON ${matches(key)} FOR KEY SHARE OF t`;
      const { rows } = await session.query(sql, [JSON.stringify(wanted)]);
      return rows.map((row) => keyFromText(key, row));
    },
    async page(after, limit) {
      const from = after
        ? `WHERE (${order.join(', ')}) > (SELECT ${sorted.map(asValue).join(', ')} FROM ${given(sorted)})`
        : '';
      const sql = `SELECT ${texts} FROM ${target} t ${joins} ${from} ORDER BY ${order.join(', ')} LIMIT ${limit}`;
      const { rows } = await session.query(sql, after ? [JSON.stringify([placeIn(table, after)])] : []);
      return rows.map((row) => fromText(table, row));
    },
    async write(rows) {
      if (!rows.length) return;
      const values = [JSON.stringify(rows)];
      if (!table.ownId) return void (await session.query(insert(conflict), values));
      // An upsert would take an id from the sequence for each row that is there already.
      if (rest.length) await session.query(update, values);
      await session.query(add, values);
    },
    async add(rows) {
      if (rows.length) await session.query(add, [JSON.stringify(rows)]);
    },
    async remove(rows) {
      if (rows.length) await session.query(removal, [JSON.stringify(rows.map((row) => only(row, table.key)))]);
    },
  };
}

const only = (row: Row, names: readonly string[]): Row => Object.fromEntries(names.map((name) => [name, row[name]!]));

function mysqlStore(session: Session, table: MappedTable, side: Side): RowStore {
  const quote = (name: string) => quoted('mysql', name);
  const target = quote(table.tables[side]);
  const own = (column: MappedColumn) => quote(column[side].name);
  const key = pick(table, table.key);
  const rest = table.columns.filter((column) => !key.includes(column));
  const asText = (column: MappedColumn) =>
    column.kind.name === 'binary' ? `HEX(t.${own(column)})` : `CAST(t.${own(column)} AS CHAR)`;
  const texts = table.columns.map((column) => `${asText(column)} AS ${quote(column.name)}`).join(', ');
  const isLoose = (column: MappedColumn) => column.kind.name === 'text' && column[side].loose !== false;
  const exact = (column: MappedColumn, name = own(column)) => (isLoose(column) ? exactly('mysql', name) : name);
  const { places, joins } = placesOf(table, side, quote);
  const order = places.map(({ alias, column }) => exact(column, `${alias}.${own(column)}`));
  const sorted = places.map(({ column }) => column);
  const values = (columns: readonly MappedColumn[], row: Row) =>
    columns.map((column) => mysqlValue(column, row[column.name] ?? null));
  const marks = (columns: readonly MappedColumn[]) => `(${columns.map(() => '?').join(', ')})`;
  const names = (columns: readonly MappedColumn[]) => `(${columns.map(own).join(', ')})`;
  /** The condition that a row is one of these: found by the index, told apart by what its texts say. */
  const among = (columns: readonly MappedColumn[], rows: readonly Row[]): { sql: string; values: Value[] } => {
    const given = rows.flatMap((row) => values(columns, row));
    const all = `(${rows.map(() => marks(columns)).join(', ')})`;
    const found = `${names(columns)} IN ${all}`;
    if (!columns.some(isLoose)) return { sql: found, values: given };
    const same = `(${columns.map((column) => exact(column)).join(', ')}) IN ${all}`;
    return { sql: `${found} AND ${same}`, values: [...given, ...given] };
  };
  const assigned = rest.map((column) => `${own(column)} = ?`).join(', ');

  // Texts as keys would be compared by two collations; numbers are looked up as what they are.
  const together = key.every(({ kind }) => kind.name === 'integer');
  const change = async (rows: readonly Row[]): Promise<void> => {
    if (!rest.length) return;
    if (!together) {
      for (const row of rows) {
        const own = among(key, [row]);
        await session.query(`UPDATE ${target} SET ${assigned} WHERE ${own.sql}`, [...values(rest, row), ...own.values]);
      }
      return;
    }
    const all = [...key, ...rest];
    const given = all.map((_, at) => `c${at}`);
    const matches = key.map((column, at) => `t.${own(column)} = v.c${at}`).join(' AND ');
    const assignments = rest.map((column, at) => `t.${own(column)} = v.c${key.length + at}`).join(', ');
    for (let from = 0; from < rows.length; from += CHANGED_AT_ONCE) {
      const some = rows.slice(from, from + CHANGED_AT_ONCE);
      await session.query(
        `UPDATE ${target} t JOIN (VALUES ${some.map(() => `ROW${marks(all)}`).join(', ')}) AS v (${given.join(', ')})
         ON ${matches} SET ${assignments}`,
        some.flatMap((row) => values(all, row)),
      );
    }
  };

  const insert = async (rows: readonly Row[]) => {
    if (!rows.length) return;
    const all = rows.map(() => marks(table.columns)).join(', ');
    await session.query(
      `INSERT INTO ${target} ${names(table.columns)} VALUES ${all}`,
      rows.flatMap((row) => values(table.columns, row)),
    );
  };
  const present = async (rows: readonly Row[], lock = ''): Promise<Row[]> => {
    const wanted = among(key, rows);
    const sql = `SELECT ${key.map((column) => `${asText(column)} AS ${quote(column.name)}`).join(', ')}
      FROM ${target} t WHERE ${wanted.sql} ${lock}`;
    const found = await session.query(sql, wanted.values);
    return found.rows.map((row) => keyFromText(key, row));
  };
  return {
    async read(columns, like, hold = false) {
      const by = pick(table, columns);
      const possible = like.filter((row) => isFindable(by, row));
      if (!possible.length) return [];
      const wanted = among(by, possible);
      const sql = `SELECT ${texts} FROM ${target} t WHERE ${wanted.sql} ${hold ? 'FOR UPDATE' : ''}`;
      const { rows } = await session.query(sql, wanted.values);
      return rows.map((row) => fromText(table, row));
    },
    async holdKeys(keys) {
      const possible = keys.filter((row) => isFindable(key, row));
      return possible.length ? present(possible, 'FOR SHARE') : [];
    },
    async page(after, limit) {
      const from = after ? `WHERE (${order.join(', ')}) > ${marks(sorted)}` : '';
      const sql = `SELECT ${texts} FROM ${target} t ${joins} ${from} ORDER BY ${order.join(', ')} LIMIT ${limit}`;
      const { rows } = await session.query(sql, after ? values(sorted, placeIn(table, after)) : []);
      return rows.map((row) => fromText(table, row));
    },
    async write(rows, there) {
      if (!rows.length) return;
      const taken = new Set((there ?? (await present(rows))).map((row) => keyText(key, row)));
      const [known, fresh] = [[] as Row[], [] as Row[]];
      for (const row of rows) (taken.has(keyText(key, row)) ? known : fresh).push(row);
      await change(known);
      await insert(fresh);
    },
    async add(rows) {
      if (!rows.length) return;
      const taken = new Set((await present(rows)).map((row) => keyText(key, row)));
      await insert(rows.filter((row) => !taken.has(keyText(key, row))));
    },
    async remove(rows) {
      const possible = rows.filter((row) => isFindable(key, row));
      if (!possible.length) return;
      const gone = among(key, possible);
      await session.query(`DELETE FROM ${target} WHERE ${gone.sql}`, gone.values);
    },
  };
}

const CHANGED_AT_ONCE = 500;

const keyText = (key: readonly MappedColumn[], row: Record<string, unknown>): string =>
  JSON.stringify(key.map(({ name, kind }) => canonical(kind, row[name])));
