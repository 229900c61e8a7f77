import type { Capability } from './capability-schema.ts';
import type { UserSource } from './user-schema.ts';
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
    for (const table of wayToUser(source.row, tables)) {
      found.push({ side: 'monolith', table }, { side: 'service', table: tables[table]!.to ?? table });
    }
  }
  return found;
}

/** A table and the parents through which its rows reach their user, the one that has the user’s column last. */
export function wayToUser(table: string, tables: Capability['tables']): string[] {
  const way: string[] = [];
  let at: string | undefined = table;
  while (at !== undefined && !way.includes(at)) {
    const one: Capability['tables'][string] | undefined = Object.hasOwn(tables, at) ? tables[at] : undefined;
    if (!one) break;
    way.push(at);
    at = typeof one.user === 'object' ? one.user.of : undefined;
  }
  return way;
}
