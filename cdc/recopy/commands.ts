import { userInfo } from 'node:os';
import { otherSide, type Plan } from '@strangler/plan';
import type { Command } from '../command-line.ts';
import { capabilitiesOf, type Output } from '../commands.ts';
import { Refusal } from '../refusal.ts';
import { textTable } from '../text-table.ts';
import { type Preview, type PreviewRow, preview } from './preview.ts';
import { type Recopied, recopy, repair } from './recopy.ts';

/** How many rows of a table a person is shown. */
const SHOWN = 10;
const WIDEST = 40;

/**
 * Says what `recopy` or `repair` would write, or with `apply` writes it, for capabilities (all, if none is named). Gives
 * the exit code. Throws Refusal.
 */
export async function runCopy(
  plan: Plan,
  name: 'recopy' | 'repair',
  command: Pick<Command, 'words' | 'apply' | 'by' | 'reason' | 'json'>,
  { say, progress }: Output,
): Promise<number> {
  const { words, apply, by = userInfo().username, reason = '', json } = command;
  const results: Recopied[] = [];
  const previews: Preview[] = [];
  for (const capability of capabilitiesOf(plan, words)) {
    if (apply) results.push(await (name === 'recopy' ? recopy : repair)(plan, capability, { by, reason, progress }));
    else previews.push(await previewOf(plan, name, capability, progress));
  }
  if (json) say(JSON.stringify(apply ? { results } : { previews }));
  else {
    for (const one of results) say(sayRecopied(one));
    for (const one of previews) say(sayPreview(one, name));
  }
  return results.some(({ mismatches }) => mismatches > 0) ? 1 : 0;
}

async function previewOf(plan: Plan, name: string, capability: string, progress: Output['progress']): Promise<Preview> {
  const one = await preview(plan, capability, progress);
  if (name === 'recopy' || !one.stopped.length) return one;
  throw new Refusal(
    `a piece of the log of ${one.stopped.join(' and ')} is lost; look at strangler recopy ${capability}`,
  );
}

function sayRecopied({ capability, operation, skipped, copied, kept, mismatches }: Recopied): string {
  const past = skipped.length ? `${skipped.join(' and ')} taken past a loss, ` : '';
  const aside = kept ? `, ${kept} rows kept for a decision (strangler quarantine list ${capability})` : '';
  const rest = mismatches ? `${mismatches} rows still differ: strangler verify ${capability}` : 'both sides are equal';
  const back = copied ? `. To take it back: strangler undo --operation ${operation} --reason "…"` : '';
  return `${capability}: ${past}${copied} copied from their owners${aside}; ${rest}${back}`;
}

function sayPreview({ capability, stopped, rows, unclear }: Preview, name: string): string {
  const lines = stopped.map((stream) => `${stream} would be taken past the loss at which it stands`);
  for (const [table, some] of Map.groupBy(rows, (row) => row.table)) {
    for (const [owner, theirs] of Map.groupBy(some, (row) => row.owner)) {
      const [what, own] =
        theirs.length === 1 ? ['1 row', 'its owner, has it'] : [`${theirs.length} rows`, 'their owner, has them'];
      lines.push(
        `${capability}.${table}: ${what} would be written on the ${otherSide(owner)}, as the ${owner}, ${own}`,
      );
      const cells = theirs.slice(0, SHOWN).flatMap(linesOf);
      lines.push(textTable(['', 'row', 'user', 'column', `${otherSide(owner)} has`, `${owner} has`], cells));
      if (theirs.length > SHOWN) lines.push(`  … and ${theirs.length - SHOWN} more (--json names them all)`);
    }
  }
  if (unclear.length) {
    const [{ table, key }] = unclear as [Preview['unclear'][number]];
    lines.push(`${unclear.length} rows (${table} ${key}) belong to nobody known, or to users being moved: left alone`);
  }
  if (!rows.length) lines.push(`${capability}: no row would be written`);
  if (rows.length || stopped.length)
    lines.push(`Nothing was written. To do it: strangler ${name} ${capability} --apply`);
  return lines.join('\n');
}

/** One line for each column that differs; the row is named in the first. */
function linesOf({ table, key, user, does, columns }: PreviewRow): string[][] {
  const whose = user === `${table} ${key}` ? 'everybody' : user; // of what splits no users
  return columns.map(({ column, from, to }, at) => [
    ...(at ? ['', '', ''] : [does, shown(key), shown(whose)]),
    ...[column, does === 'insert' ? '' : shown(from), does === 'delete' ? '' : shown(to)],
  ]);
}

function shown(text: string | null): string {
  if (text === null) return 'NULL';
  const flat = text.replace(/\p{Cc}/gu, (one) => JSON.stringify(one).slice(1, -1));
  return flat.length > WIDEST ? `${flat.slice(0, WIDEST - 1)}…` : flat || "''";
}
