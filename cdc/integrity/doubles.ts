import { quoted, type Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { MappedTable } from '../mapping/mapping.ts';
import { isSameSet, type UniqueKey } from '../mapping/unique-keys.ts';
import { keysOf, nameOn, type RowRule } from './row-rule.ts';

/**
 * Values that must not be there twice, wherever the side's own database does not see to it: those of a unique key that the
 * other side has, of `sameWhen`, and of what the Plan calls distinct. Each side judges by its own idea of equal; as both have
 * the same rows, that is what they are to either.
 */
export function doubleRules(table: MappedTable, keys: readonly UniqueKey[]): RowRule[] {
  const enforced = keys.filter(({ isComputed, where }) => !isComputed && !where);
  const sets = [...enforced.map(({ columns }) => columns), table.sameWhen, ...table.distinct].filter(
    (set, at, all) => set.length > 0 && all.findIndex((one) => isSameSet(one, set)) === at,
  );
  return sets.flatMap((set) =>
    (['monolith', 'service'] as const)
      .filter((side) => !enforced.some((key) => key.side === side && isSameSet(key.columns, set)))
      .map((side) => ({
        ...{ kind: 'double' as const, table: table.name, side, what: `${table.name} (${set.join(', ')})` },
        find: (session: Session) => findDoubles(session, table, side, set),
      })),
  );
}

function findDoubles(session: Session, table: MappedTable, side: Side, set: readonly string[]): Promise<string[]> {
  const quote = (name: string) => quoted(session.dialect, name);
  const columns = set.map((name) => quote(nameOn(table, side, name)));
  const target = quote(table.tables[side]);
  return keysOf(
    session,
    table,
    side,
    `${target} t JOIN (SELECT ${columns.join(', ')} FROM ${target} WHERE ${columns.map((one) => `${one} IS NOT NULL`).join(' AND ')}
       GROUP BY ${columns.join(', ')} HAVING COUNT(*) > 1) d ON ${columns.map((one) => `t.${one} = d.${one}`).join(' AND ')}`,
  );
}
