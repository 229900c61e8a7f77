import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { readForeignKeys } from '../mapping/foreign-keys.ts';
import type { Mapping } from '../mapping/mapping.ts';
import { readUniqueKeys, type UniqueKey } from '../mapping/unique-keys.ts';
import { doubleRules } from './doubles.ts';
import { orphanRules } from './orphans.ts';
import type { RowRule, Violation } from './row-rule.ts';

type Sides = Readonly<Record<Side, Session>>;

/** What must hold among the rows of a capability, and the unique keys of each of its tables. */
export type RowRules = { readonly rules: readonly RowRule[]; readonly keys: ReadonlyMap<string, readonly UniqueKey[]> };

/** Reads what must hold on each side from the catalogs of both and from the Plan. */
export async function readRules({ monolith, service }: Sides, mapping: Mapping): Promise<RowRules> {
  const foreignKeys = [
    ...(await readForeignKeys(monolith, 'monolith')),
    ...(await readForeignKeys(service, 'service')),
  ];
  const rules = orphanRules(mapping, foreignKeys);
  const byTable = new Map<string, readonly UniqueKey[]>();
  for (const table of mapping.values()) {
    const keys = [
      ...(await readUniqueKeys(monolith, table, 'monolith')),
      ...(await readUniqueKeys(service, table, 'service')),
    ];
    byTable.set(table.name, keys);
    rules.push(...doubleRules(table, keys));
  }
  return { rules, keys: byTable };
}

/** The rows that break these rules now. */
export async function findViolations(sides: Sides, rules: readonly RowRule[]): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const { find, ...rule } of rules) {
    for (const key of await find(sides[rule.side])) found.push({ ...rule, key });
  }
  return found;
}

const sayViolation = (violation: Violation): string => JSON.stringify(Object.values(violation));

/** Those of them that are still there: a parent may be on its way behind its child. */
export async function stillThere(
  sides: Sides,
  rules: readonly RowRule[],
  before: readonly Violation[],
): Promise<Violation[]> {
  const broken = rules.filter((rule) =>
    before.some(({ what, side, kind }) => what === rule.what && side === rule.side && kind === rule.kind),
  );
  const now = new Set((await findViolations(sides, broken)).map(sayViolation));
  return before.filter((violation) => now.has(sayViolation(violation)));
}
