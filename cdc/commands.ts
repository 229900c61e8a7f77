import type { Plan } from '@strangler/plan';
import { doctor } from './doctor.ts';
import { syncedCapabilities } from './names.ts';
import { textTable } from './tables.ts';
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
  const all = syncedCapabilities(plan);
  const unknown = wanted.filter((name) => !all.includes(name));
  if (unknown.length)
    throw new Error(`the Plan has no capability with tables named ${unknown.join(', ')}: ${all.join(', ')}`);
  const results = [];
  for (const capability of wanted.length ? wanted : all) {
    results.push(await verify(plan, capability, (table, n) => progress(`${capability}.${table}: ${n} rows compared`)));
  }
  if (json) say(JSON.stringify({ results }));
  else {
    const head = ['capability', 'table', 'rows', 'mismatches', 'orphans in monolith', 'in service'];
    const lines = results.flatMap(({ capability, tables }) =>
      tables.map((t) => [capability, t.table, t.compared, t.mismatches, t.orphans.monolith, t.orphans.service]),
    );
    say(textTable(head, lines));
    for (const { tables, settled, capability } of results) {
      for (const { table, examples } of tables) for (const { key, kind } of examples) say(`${table} ${key}: ${kind}`);
      if (!settled) say(`${capability}: the streams did not get past the first look; is cdc running?`);
    }
  }
  return results.some(({ mismatches }) => mismatches > 0) ? 1 : 0;
}

/** Examines everything and prints what was found. Gives the exit code. */
export async function runDoctor(plan: Plan, json: boolean, { say }: Output): Promise<number> {
  const findings = await doctor(plan);
  if (json) say(JSON.stringify({ findings }));
  else if (!findings.length) say('nothing to mend');
  else {
    for (const { level, where, what, why, mend } of findings) {
      say(`${level} ${where}: ${what}\n  why: ${why}\n  mend: ${mend}`);
    }
  }
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}
