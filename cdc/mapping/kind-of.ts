import { changeType } from './capacity.ts';
import type { Column } from './columns.ts';
import type { Kind } from './value-kinds.ts';

/** Why two types have no kind of value in common, and what to do. */
export function whyNot(mysql: Column, { type, name }: Column, table: string): string {
  if (type === 'bpchar') {
    return `char(n) of Postgres drops spaces at the end, which the monolith's type keeps; make ${name} varchar or text there`;
  }
  if (mysql.type === 'bigint unsigned')
    return `it has no room for numbers beyond 2^63: ${changeType(table, name, 'numeric(20)')}`;
  return 'not every value of one is a value of the other; give both the same type';
}

const INTEGERS = new Set([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint'].flatMap((type) => [type, `${type} unsigned`]),
  ...['tinyint(1)', 'year'],
]);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum']);
const BINARIES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** What a MySQL column and a Postgres column have in common; undefined if nothing that keeps every value. */
export function kindOf(mysql: Column, postgres: Column): Kind | undefined {
  const { type } = mysql;
  switch (postgres.type) {
    case 'int2':
    case 'int4':
    case 'int8':
      return INTEGERS.has(type) && type !== 'bigint unsigned' ? { name: 'integer' } : undefined;
    case 'numeric':
      if (INTEGERS.has(type)) return { name: 'integer' };
      return type === 'decimal' ? { name: 'decimal' } : undefined;
    case 'bool':
      return type === 'tinyint(1)' ? { name: 'boolean' } : undefined;
    case 'bpchar':
      return type === 'char' || type === 'enum' ? { name: 'text', padded: true } : undefined;
    case 'varchar':
    case 'text':
    case 'enum':
      return TEXTS.has(type) ? { name: 'text' } : undefined;
    case 'uuid':
      return type === 'char' || type === 'varchar' ? { name: 'uuid' } : undefined;
    case 'timestamptz':
    case 'timestamp':
      if (type !== 'datetime' && type !== 'timestamp') return undefined;
      return { name: 'instant', digits: mysql.digits };
    case 'date':
      return type === 'date' ? { name: 'date' } : undefined;
    case 'json':
    case 'jsonb':
      return type === 'json' ? { name: 'json' } : undefined;
    case 'bytea':
      return BINARIES.has(type) ? { name: 'binary' } : undefined;
    case 'float8':
      return type === 'double' ? { name: 'double' } : undefined;
    default:
      return undefined;
  }
}
