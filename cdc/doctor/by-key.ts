import { quoted, type Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import type { MappedColumn, MappedTable } from '../mapping/mapping.ts';
import { parseAddress } from '../names.ts';
import type { ReportFinding } from './finding.ts';
import { sequenceOf } from './tables.ts';

/** Looks at tables that are shared by key: who else may have their ids, and whether the service can give out its own. */
export async function checkSharedByKey(
  plan: Plan,
  capability: string,
  tables: readonly MappedTable[],
  service: Session,
  report: ReportFinding,
): Promise<void> {
  for (const parent of tables.filter(({ ownId }) => ownId)) {
    for (const child of tables) checkLikely(capability, parent, child, report);
    await checkSequence(plan, capability, parent, service, report);
  }
}

/** A column that is called like an id of the table, and of which the Plan does not say that it holds one. */
function checkLikely(capability: string, parent: MappedTable, child: MappedTable, report: ReportFinding): void {
  const isLikely = ({ name, kind }: MappedColumn) =>
    isCalledLike(parent, name) || (child === parent && isAnId(parent, name, kind));
  for (const { name } of child.columns.filter((column) => !column.refers && isLikely(column))) {
    const fix = child.ownId
      ? `shared: monolith for ${child.name}, or keep what ${name} says in another table: one that is shared by key cannot carry such ids`
      : `refers: { ${name}: ${parent.name} } under tables.${child.name} of the Plan`;
    report({
      level: 'warning',
      where: `${capability}.${child.name}`,
      what: `column ${name} may hold ids of ${parent.name}, which are each side’s own`,
      why: 'an id that is carried as it is means another row on the other side, or none',
      fix: `${fix} -- or leave it, if it holds something else`,
    });
  }
}

/** `Categories` has ids in `categoryId`, `category_id` and `CategoriesId`. */
export function isCalledLike({ name, ownId }: Pick<MappedTable, 'name' | 'ownId'>, column: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const many = plain(name);
  const singles = [many, many.replace(/s$/, ''), many.replace(/es$/, ''), many.replace(/ies$/, 'y')];
  const id = plain(ownId!.column.name);
  return singles.some((one) => plain(column) === (id.startsWith(one) ? id : one + id));
}

/** Whether a column of the table itself may hold its ids, as `parent_id` in a tree of them. */
export const isAnId = ({ ownId }: Pick<MappedTable, 'ownId'>, column: string, kind: MappedColumn['kind']): boolean =>
  kind.name === ownId!.column.kind.name && /^[Pp]arent|_id$|[a-z]Id$/.test(column);

async function checkSequence(
  plan: Plan,
  capability: string,
  { tables, ownId }: MappedTable,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  const { name } = ownId!.column.service;
  const sequence = await sequenceOf(service, tables.service, name);
  if (!sequence) return;
  const where = `${capability}.${tables.service}`;
  const [table, id] = [quoted('postgres', tables.service), quoted('postgres', name)];
  const { rows } = await service.query<{ highest: number | null }>(`SELECT MAX(${id}) AS highest FROM ${table}`);
  const highest = Number(rows[0]?.highest ?? 0);
  if (Number(sequence.next) <= highest) {
    report({
      ...{
        level: 'error',
        where,
        what: `sequence ${sequence.name} gives ${sequence.next} next, and there is ${highest}`,
      },
      why: 'a row that the monolith has made would get an id that is taken, and stay in quarantine',
      fix: `ALTER SEQUENCE ${sequence.name} RESTART WITH ${highest + 1};`,
    });
  }
  // An identity needs no right on its sequence.
  const { user } = parseAddress(plan.capabilities[capability]!.service.database!.applier);
  const { rows: rights } = await service.query<{ may: boolean }>(
    `SELECT a.attidentity <> '' OR has_sequence_privilege(r.oid, to_regclass(?), 'USAGE') AS may
     FROM pg_attribute a, pg_roles r WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attname = ? AND r.rolname = ?`,
    [sequence.name, tables.service, name, user],
  );
  if (rights[0]?.may !== false) return;
  report({
    ...{ level: 'error', where, what: `applier user ${user}: no USAGE on sequence ${sequence.name}` },
    why: 'rows that the monolith has made get no id here',
    fix: `GRANT USAGE ON SEQUENCE ${sequence.name} TO ${quoted('postgres', user)};`,
  });
}
