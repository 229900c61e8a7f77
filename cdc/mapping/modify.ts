import { quoted } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { Column } from './columns.ts';
import type { ForeignKey } from './foreign-keys.ts';

/** What MODIFY changes of a column of the monolith; the rest of its definition stays. */
type Modification = {
  readonly charset?: string;
  readonly collation?: string;
  readonly notNull?: true;
  /** What gives a row without a value one, in the place of a constant. */
  readonly filledBy?: string;
};

/** Charset and collation as SHOW CREATE TABLE says them, that it may be NULL, and the rest. */
const ATTRIBUTES = /^( CHARACTER SET \w+)?( COLLATE \w+)?( NULL)?( DEFAULT NULL)?(.*)$/s;
const CONSTANT = /^( NOT NULL)?( DEFAULT '(?:[^']|'')*')?/;

/** The statement that changes a column of the monolith. It says the whole definition again: MODIFY drops what is left out. */
export function modifyColumn(table: string, column: Column, change: Modification): string {
  const { charset, collation, notNull, filledBy } = change;
  const { declared = column.type, definition = declared } = column;
  const attributes = ATTRIBUTES.exec(definition.slice(declared.length))!;
  const [, set = '', collate = '', nullable = '', none = '', rest] = attributes;
  const texts = charset ? ` CHARACTER SET ${charset}${collation ? ` COLLATE ${collation}` : ''}` : set + collate;
  const filled = filledBy && ` NOT NULL ${filledBy}${rest!.replace(CONSTANT, '')}`;
  const others = filled ?? (notNull ? ` NOT NULL${rest}` : nullable + none + rest);
  return `ALTER TABLE ${quoted('mysql', table)} MODIFY ${quoted('mysql', column.name)} ${declared}${texts}${others};`;
}

/** The statement that makes columns of a side a unique key. */
export function createUniqueKey(side: Side, table: string, columns: readonly string[]): string {
  const index = [table, ...columns, 'key'].join('_').slice(0, 60);
  const names = columns.map((name) => quote(side, name)).join(', ');
  return `CREATE UNIQUE INDEX ${quote(side, index)} ON ${quote(side, table)} (${names});`;
}

const quote = (side: Side, name: string): string => quoted(side === 'monolith' ? 'mysql' : 'postgres', name);

/** The statement that takes a foreign key away. */
export function dropForeignKey({ side, child, name }: ForeignKey): string {
  const kind = side === 'monolith' ? 'FOREIGN KEY' : 'CONSTRAINT';
  return `ALTER TABLE ${quote(side, child)} DROP ${kind} ${quote(side, name)};`;
}

/** The statement that makes a foreign key again, up to what an UPDATE of its parent does. */
export function addForeignKey(key: ForeignKey, onDelete: string): string {
  const names = (at: 0 | 1) => key.pairs.map((pair) => quote(key.side, pair[at])).join(', ');
  const again = `FOREIGN KEY (${names(0)}) REFERENCES ${quote(key.side, key.parent)} (${names(1)}) ON DELETE ${onDelete}`;
  return `ALTER TABLE ${quote(key.side, key.child)} ADD CONSTRAINT ${quote(key.side, key.name)} ${again}`;
}
