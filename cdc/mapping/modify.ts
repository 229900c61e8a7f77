import { quoted } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { Column } from './columns.ts';

/** What MODIFY changes of a column of the monolith; the rest of its definition stays. */
type Modification = { readonly charset?: string; readonly collation?: string; readonly notNull?: true };

/** Charset and collation as SHOW CREATE TABLE says them, that it may be NULL, and the rest. */
const ATTRIBUTES = /^( CHARACTER SET \w+)?( COLLATE \w+)?( NULL)?( DEFAULT NULL)?(.*)$/s;

/** The statement that changes a column of the monolith. It says the whole definition again: MODIFY drops what is left out. */
export function modifyColumn(table: string, column: Column, { charset, collation, notNull }: Modification): string {
  const { declared = column.type, definition = declared } = column;
  const attributes = ATTRIBUTES.exec(definition.slice(declared.length))!;
  const [, set = '', collate = '', nullable = '', none = '', rest] = attributes;
  const texts = charset ? ` CHARACTER SET ${charset}${collation ? ` COLLATE ${collation}` : ''}` : set + collate;
  const others = notNull ? ` NOT NULL${rest}` : nullable + none + rest;
  return `ALTER TABLE ${quoted('mysql', table)} MODIFY ${quoted('mysql', column.name)} ${declared}${texts}${others};`;
}

/** The statement that makes columns of a side a unique key. */
export function createUniqueKey(side: Side, table: string, columns: readonly string[]): string {
  const quote = (name: string) => quoted(side === 'monolith' ? 'mysql' : 'postgres', name);
  const index = [table, ...columns, 'key'].join('_').slice(0, 60);
  return `CREATE UNIQUE INDEX ${quote(index)} ON ${quote(table)} (${columns.map(quote).join(', ')});`;
}
