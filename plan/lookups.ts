import type { Capability } from './capability-schema.ts';
import type { UserSource } from './user-schema.ts';
import { tablesToUser } from './ways.ts';
import type { Side } from './words.ts';

/** A table in which a proxy finds out whose a request is, by its name there, and in whose database it is. */
export type LookupTable = { readonly side: Side; readonly table: string };

/** The tables in which a source looks; a row and the parents through which it reaches its user stand on both sides. */
export function lookupTables(source: UserSource, tables: Capability['tables']): LookupTable[] {
  const found: LookupTable[] = [];
  if ('lookup' in source && source.lookup) found.push({ side: 'monolith', table: source.lookup.table });
  if ('session' in source && 'table' in source.session.store) {
    const { database, table } = source.session.store;
    found.push({ side: database, table });
  }
  if ('row' in source) {
    for (const table of tablesToUser(source.row, tables)) {
      found.push({ side: 'monolith', table }, { side: 'service', table: tables[table]!.to ?? table });
    }
  }
  return found;
}
