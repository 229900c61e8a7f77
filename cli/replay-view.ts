import { countsOf, type SuiteReport } from '@strangler/compare';
import type { Recording, ReplayReport } from '@strangler/compare/recording';
import { sayDuration } from '@strangler/plan';
import { describeFinding } from './comparing.ts';
import { counted } from './text.ts';

/** More than anybody reads in a terminal. */
const MOST_GROUPS = 20;

/** What is about to be played. */
export function describeRecording(file: string, { entries, cutOff, note }: Recording): string[] {
  const [first, last] = [entries[0]!, entries.at(-1)!];
  const lasted = sayDuration(last.startedAt - first.startedAt);
  const until = note ? `, to be kept until ${note.until.slice(0, 10)}` : '';
  const lines = [
    `${file}: ${counted(entries.length, 'request')} in ${lasted}, from ${new Date(first.startedAt).toISOString()}${until}`,
  ];
  if (cutOff) lines.push('it ends in the middle of an entry; everything before that is played');
  return lines;
}

/** The outcome: what was played and what was not, then differences by endpoint, path and kind. */
export function describeReplay(result: ReplayReport, took: number, json: string | undefined): string[] {
  const { report, played, users, leftOut, behind } = result;
  const lines = [
    `${counted(played, 'request')} of ${counted(users, 'user')} played in ${sayDuration(took)}: ${countsOf(report.counts) || 'none'}`,
    ...timeLines(result),
    ...(behind > 1_000
      ? [`up to ${sayDuration(behind)} later than at this speed: the sides are slower than those recorded`]
      : []),
    ...leftOutLines(leftOut),
  ];
  const { groups } = report.tally;
  for (const { severity, route, path, kind, pairs, samples } of groups.slice(0, MOST_GROUPS)) {
    lines.push('', `${severity}: ${route}  ${path}  ${kind}, in ${pairs} ${pairs === 1 ? 'reply' : 'replies'}`);
    const [sample] = samples;
    if (sample) lines.push(`  ${sample.old ?? 'absent'} → ${sample.new ?? 'absent'}  (${sample.at})`);
  }
  if (groups.length > MOST_GROUPS) lines.push('', `… and ${groups.length - MOST_GROUPS} more groups of differences`);
  const reasons = reasonLines(report);
  if (reasons.length > 0) lines.push('', 'without a comparison:', ...reasons);
  for (const finding of report.findings) lines.push('', describeFinding(finding));
  if (groups.length > 0)
    lines.push(
      '',
      `If a difference is meant, a rule says so: strangler rules suggest ${json ?? 'REPORT (of --json REPORT)'}`,
    );
  return lines;
}

function timeLines({ oldTimes, newTimes }: ReplayReport): string[] {
  const times = [
    ['old', oldTimes],
    ['new', newTimes],
  ] as const;
  const said = times.flatMap(([side, all]) =>
    all.length === 0 ? [] : [`${side} p50 ${sayDuration(atShare(all, 0.5))}, p99 ${sayDuration(atShare(all, 0.99))}`],
  );
  return said.length === 0 ? [] : [`reply times: ${said.join('; ')}`];
}

const atShare = (ascending: Float64Array, share: number) =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))]!;

function leftOutLines(leftOut: ReplayReport['leftOut']): string[] {
  return [...leftOut]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 10)
    .map(([why, count]) => {
      const hint =
        why === 'writes'
          ? ' (--writes sends them to both sides)'
          : why.startsWith('of another host')
            ? ' (--host plays it)'
            : '';
      return `left out: ${count} ${why}${hint}`;
    });
}

/** Why cases have no verdict, the most frequent reasons first. */
function reasonLines({ cases }: SuiteReport): string[] {
  const reasons = new Map<string, { count: number; name: string }>();
  for (const { name, result } of cases) {
    if (result.reason === undefined) continue;
    const key = `${result.kind}: ${result.reason}`;
    const known = reasons.get(key);
    if (known) known.count++;
    else reasons.set(key, { count: 1, name });
  }
  const sorted = [...reasons].sort(([, a], [, b]) => b.count - a.count);
  const lines = sorted
    .slice(0, 10)
    .map(([reason, { count, name }]) => `  ${count} ${reason} (${name}${count > 1 ? ' …' : ''})`);
  return sorted.length > 10 ? [...lines, `  … and ${sorted.length - 10} more reasons`] : lines;
}
