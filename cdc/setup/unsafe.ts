import type { Session } from '@strangler/ledger';
import { shortfallIn } from '../mapping/capacity.ts';
import { type MappedTable, type Mapping, sayTypes } from '../mapping/mapping.ts';
import { problemsOf, readUniqueKeys } from '../mapping/unique-keys.ts';

/**
 * What can be mapped and yet would end in quarantine as soon as users are on both sides: columns of the service without room
 * for the monolith's values, unique keys that span users or mean different things. A reason each, with the statement.
 */
export async function findUnsafe(monolith: Session, service: Session, mapping: Mapping): Promise<string[]> {
  const encoding = await narrowEncodingOf(service);
  const reasons = encoding ? [`${encoding.what}: ${encoding.why}. ${encoding.fix}`] : [];
  for (const table of mapping.values()) {
    reasons.push(...shortfallsOf(table).map(({ what, fix }) => `${table.name}: ${what}: ${fix}`));
    const keys = [
      ...(await readUniqueKeys(monolith, table, 'monolith')),
      ...(await readUniqueKeys(service, table, 'service')),
    ];
    reasons.push(...problemsOf(table, keys).map(({ what, why, fix }) => `${table.name}: ${what}: ${why}. ${fix}`));
  }
  return reasons;
}

/** A service’s database whose encoding lacks characters that MySQL holds; undefined if it has them all. */
export async function narrowEncodingOf(service: Session): Promise<Record<'what' | 'why' | 'fix', string> | undefined> {
  const { rows } = await service.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]!.server_encoding;
  if (encoding === 'UTF8') return undefined;
  return {
    what: `the service’s database has the encoding ${encoding}`,
    why: 'it has no room for every character of the monolith',
    fix: "create another one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
  };
}

/** Columns of the service that have no room for what the monolith may hold. */
export function shortfallsOf(table: MappedTable): { readonly what: string; readonly fix: string }[] {
  return table.columns.flatMap((column) => {
    const shortfall = shortfallIn(column, table.tables.service);
    if (!shortfall) return [];
    return [{ what: sayTypes(column, shortfall.why), fix: shortfall.fix }];
  });
}
