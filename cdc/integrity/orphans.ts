import { exactly, quoted, type Session } from '@strangler/ledger';
import { columnsOfWay, type Side, type Way } from '@strangler/plan';
import type { ForeignKey } from '../mapping/foreign-keys.ts';
import { columnOf, type MappedTable, type Mapping } from '../mapping/mapping.ts';
import { type Reference, referenceOf } from '../mapping/references.ts';
import { waysIn } from '../mapping/user-column.ts';
import { keysOf, type RowRule } from './row-rule.ts';

/** `unless`: ways of the row that tell its user before this one; where no foreign key says so, it need not lead anywhere then. */
type Rule = Reference & { readonly unless?: readonly Way[] };

/** A row and the one it refers to, on both sides: by every foreign key that either has between mapped tables, and by the Plan. */
export function orphanRules(mapping: Mapping, foreignKeys: readonly ForeignKey[]): RowRule[] {
  const tables = [...mapping.values()];
  const declared = tables.flatMap((child) =>
    waysIn(child.user).flatMap((way, nth, ways): Rule[] => {
      if (!('of' in way)) return [];
      const parent = mapping.get(way.of)!;
      const pairs = way.through.map((from, at) => [from, parent.key[at]!] as const);
      return [{ child, parent, pairs, unless: ways.slice(0, nth) }];
    }),
  );
  const toIds = tables.flatMap((child) =>
    child.columns.flatMap(({ name, refers }): Rule[] =>
      refers ? [{ child, parent: refers, pairs: [[name, refers.ownId!.column.name]] }] : [],
    ),
  );
  const all: Rule[] = [...declared, ...toIds, ...foreignKeys.flatMap((key) => referenceOf(tables, key) ?? [])];
  const different = new Map(all.map((one) => [sayReference(one), one]));
  return [...different].flatMap(([what, reference]) =>
    (['monolith', 'service'] as const).map((side) => ({
      ...{ kind: 'orphan' as const, table: reference.child.name, side, what },
      find: (session: Session) => findOrphans(session, reference, side),
    })),
  );
}

const sayReference = ({ child, parent, pairs }: Reference): string => {
  const sorted = pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${child.name} (${sorted.map(([from]) => from).join(', ')}) → ${parent.name} (${sorted.map(([, to]) => to).join(', ')})`;
};

const isOwnId = ({ ownId }: MappedTable, name: string): boolean => ownId?.column.name === name;

function findOrphans(session: Session, { child, parent, pairs, unless = [] }: Rule, side: Side): Promise<string[]> {
  const quote = (name: string) => quoted(session.dialect, name);
  const ways = pairs.map(([from, to]) => ({
    from: columnOf(child, from),
    to: isOwnId(parent, to) ? parent.ownId!.column : columnOf(parent, to),
  }));
  const isSame = ways.flatMap(({ from, to }) => {
    const [below, above] = [`t.${quote(from[side].name)}`, `p.${quote(to[side].name)}`];
    if (session.dialect === 'postgres')
      return from[side].type === to[side].type ? `${above} = ${below}` : `${above}::text = ${below}::text`;
    const exact = `${exactly('mysql', above)} = ${exactly('mysql', below)}`;
    if (to.kind.name !== 'text') return `${above} = ${below}`;
    return from[side].collation === to[side].collation ? `${above} = ${below} AND ${exact}` : exact;
  });
  const isSet = (names: readonly string[]) =>
    names.map((name) => `t.${quote(columnOf(child, name)[side].name)} IS NOT NULL`).join(' AND ');
  const isSaid = [isSet(pairs.map(([from]) => from)), ...unless.map((way) => `NOT (${isSet(columnsOfWay(way))})`)];
  return keysOf(
    session,
    child,
    side,
    `${quote(child.tables[side])} t WHERE ${isSaid.join(' AND ')} AND NOT EXISTS (
       SELECT 1 FROM ${quote(parent.tables[side])} p WHERE ${isSame.join(' AND ')})`,
  );
}
