import type { Plan } from '@strangler/plan';
import { doctor } from './doctor/doctor.ts';
import { syncedCapabilities } from './names.ts';
import { textTable } from './text-table.ts';
import { verify } from './verify.ts';

/** Where a command writes: lines of its result, and lines about its progress. */
export type Output = { readonly say: (line: string) => void; readonly progress: (line: string) => void };

/** Verifies capabilities (all, if none is named) and prints the result. Gives the exit code. */
export async function runVerify(
  plan: Plan,
  wanted: readonly string[],
  json: boolean,
  { say, progress }: Output,
): Promise<number> {
  const results = [];
  for (const capability of capabilitiesOf(plan, wanted)) {
    results.push(await verify(plan, capability, (table, n) => progress(`${capability}.${table}: ${n} rows compared`)));
  }
  if (json) say(JSON.stringify({ results }));
  else {
    const head = [
      'capability',
      'table',
      'rows',
      'mismatches',
      'orphans in monolith',
      'in service',
      'doubles in monolith',
      'in service',
    ];
    const lines = results.flatMap(({ capability, tables }) =>
      tables.map(({ table, compared, mismatches, orphans, doubles }) => [
        ...[capability, table, compared, mismatches],
        ...[orphans.monolith, orphans.service, doubles.monolith, doubles.service],
      ]),
    );
    say(textTable(head, lines));
    for (const { tables, settled, capability } of results) {
      for (const { table, examples } of tables) for (const { key, kind } of examples) say(`${table} ${key}: ${kind}`);
      if (!settled) say(`${capability}: the streams did not get past the first look; is cdc running?`);
    }
  }
  return results.some(({ mismatches, violations }) => mismatches + violations > 0) ? 1 : 0;
}

/** The capabilities that were named, or all that are synced. Throws if one is not. */
export function capabilitiesOf(plan: Plan, wanted: readonly string[]): readonly string[] {
  const all = syncedCapabilities(plan);
  const unknown = wanted.filter((name) => !all.includes(name));
  if (!unknown.length) return wanted.length ? wanted : all;
  throw new Error(`the Plan has no capability with tables named ${unknown.join(', ')}: ${all.join(', ')}`);
}

/** Examines everything and prints what was found. Gives the exit code. */
export async function runDoctor(plan: Plan, json: boolean, { say }: Output): Promise<number> {
  const findings = await doctor(plan);
  if (json) say(JSON.stringify({ findings }));
  else if (!findings.length) say('nothing to fix');
  else {
    for (const { level, where, what, why, fix } of findings) {
      say(`${level} ${where}: ${what}\n  why: ${why}\n  fix: ${fix}`);
    }
  }
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}
