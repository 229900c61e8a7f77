import { otherSide, type Side } from '@strangler/plan';
import { columnOf, type MappedTable } from '../mapping/mapping.ts';
import { createUniqueKey } from '../mapping/modify.ts';
import { isSameSet, looseIn, problemsOf, type UniqueKey } from '../mapping/unique-keys.ts';
import type { ReportFinding } from './finding.ts';

/** Looks at the unique keys of a mapped table: what both sides could give away, and what only one of them refuses. */
export function checkUniqueKeys(
  capability: string,
  table: MappedTable,
  keys: readonly UniqueKey[],
  report: ReportFinding,
): void {
  const where = (side: Side) => `${capability}.${table.tables[side]}`;
  for (const { key, what, why, fix } of problemsOf(table, keys)) {
    report({ level: 'error', where: where(key.side), what, why, fix });
  }
  checkTexts(table, keys, where('monolith'), report);
  for (const key of keys) {
    const side = otherSide(key.side);
    const isThere = keys.some((one) => one.side === side && isSameSet(one.columns, key.columns));
    if (isThere || key.isComputed || key.where) continue;
    report({
      level: 'warning',
      where: where(side),
      what: `unique key ${key.name} (${key.columns.join(', ')}) of the ${key.side} has no counterpart in the ${side}`,
      why: `the ${side} takes what the ${key.side} refuses; such a row stays in quarantine, with what follows for its user`,
      fix: createKey(table, side, key.columns),
    });
  }
  for (const side of ['monolith', 'service'] as const) {
    const own = keys.filter((key) => key.side === side);
    if (!table.sameWhen.length || own.some(({ columns }) => isSameSet(columns, table.sameWhen))) continue;
    report({
      level: 'warning',
      where: where(side),
      what: `sameWhen (${table.sameWhen.join(', ')}) has no unique key`,
      why: 'every row is looked up by these columns',
      fix: createKey(table, side, table.sameWhen),
    });
  }
}

/** Two texts that the service tells apart may be one to a key of the monolith, also where the Plan calls it distinct. */
function checkTexts(table: MappedTable, keys: readonly UniqueKey[], where: string, report: ReportFinding): void {
  const declared = keys.filter(({ columns }) => table.distinct.some((set) => isSameSet(set, columns)));
  for (const { name, loose, fix } of looseIn(
    table,
    declared.flatMap(({ columns }) => columns),
  )) {
    if (loose !== 'monolith') continue;
    report({
      level: 'warning',
      where,
      what: `${name} is part of a unique key, and its collation takes texts for equal that differ`,
      why: 'case, accents or spaces at the end do not count here: the service takes two rows that are one to this key; the second stays in quarantine, with what follows for its user',
      fix,
    });
  }
}

function createKey({ tables, columns }: MappedTable, side: Side, names: readonly string[]): string {
  const own = names.map((name) => columnOf({ columns }, name)[side].name);
  return createUniqueKey(side, tables[side], own);
}
