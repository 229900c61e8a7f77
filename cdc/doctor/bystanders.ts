import { quoted, type Session } from '@strangler/ledger';
import type { ReportFinding } from './finding.ts';

/** How a table's comment begins when somebody has decided that nothing should sync it. */
export const NOT_SYNCED = 'strangler: not synced';

type Table = { readonly name: string; readonly note: string | null };

/**
 * Names the tables of a service that are in no Plan, so that nothing keeps them up to date: copies of the monolith's that
 * the service reads, and those of the service alone. `mapped`: the tables of the Plan in this database.
 */
export async function checkBystanders(
  capability: string,
  mapped: ReadonlySet<string>,
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  const { rows } = await service.query<Table>(
    `SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS note FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname NOT LIKE 'strangler\\_%' ORDER BY 1`,
  );
  const left = rows.filter(({ name, note }) => !mapped.has(name) && !note?.startsWith(NOT_SYNCED));
  const { rows: theirs } = await monolith.query<{ name: string }>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const names = new Set(theirs.map(({ name }) => name));
  for (const { name } of left.filter((table) => names.has(table.name))) {
    report({
      ...{
        level: 'warning',
        where: `${capability}.${name}`,
        what: `${name} is there on both sides, and not in the Plan`,
      },
      why: 'nothing syncs it: what the service reads there is as old as its copy',
      fix: `${leave(name)} -- or map it: tables.${name} of the Plan`,
    });
  }
  const own = left.filter((table) => !names.has(table.name)).map(({ name }) => name);
  if (!own.length) return;
  report({
    level: 'warning',
    where: capability,
    what: `tables of the service that are not in the Plan: ${own.join(', ')}`,
    why: 'nothing syncs them: what they hold is lost to a user who goes back to the monolith',
    fix: `${own.map(leave).join(' ')} -- if they are the service’s own; or name the monolith’s table with to: under tables of the Plan`,
  });
}

const leave = (table: string): string => `COMMENT ON TABLE ${quoted('postgres', table)} IS '${NOT_SYNCED}';`;
