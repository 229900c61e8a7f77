import { type Proposal, propose } from '../learn/suggest.ts';
import type { Group } from '../learn/tally.ts';
import { OUTCOME_CODES, outcomeOf, type SuiteOutcome } from './outcome.ts';
import { countsOf, OUTCOME_PHRASES } from './phrases.ts';
import type { SuiteReport } from './report.ts';
import { caseCount } from './report.ts';

const MOST_GROUPS = 50;

const SIGNS: Readonly<Record<SuiteOutcome, string>> = { equal: '✅', mismatch: '❌', failed: '❌', insufficient: '⚠️' };

/** The report as Markdown for a pull request: GitHub shows no more than 1 MiB, so the 50 worst groups are in it. */
export function markdownOf(report: SuiteReport, minimum?: number): string {
  const outcome = outcomeOf(report, minimum);
  const lines = [
    `## ${SIGNS[outcome]} ${OUTCOME_PHRASES[outcome]}`,
    '',
    `${caseCount(report.counts)} cases: ${countsOf(report.counts)} (exit code ${OUTCOME_CODES[outcome]})`,
  ];
  const { groups } = report.tally;
  if (groups.length > 0) lines.push('', '| | where | what | old | new | replies |', '|---|---|---|---|---|--:|');
  for (const { severity, route, path, kind, samples, pairs } of groups.slice(0, MOST_GROUPS)) {
    const cells = [
      severity,
      code(route),
      `${code(path)} ${kind}`,
      code(samples[0]?.old),
      code(samples[0]?.new),
      String(pairs),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  if (groups.length > MOST_GROUPS) lines.push('', `… and ${groups.length - MOST_GROUPS} more groups of differences.`);
  const proposal = firstProposal(groups.slice(0, MOST_GROUPS));
  if (proposal)
    lines.push(
      '',
      'If a difference is meant, name it in a rule, for example:',
      '',
      '```json',
      JSON.stringify(proposal.rule, undefined, 2),
      '```',
    );
  for (const { rule, level, message } of report.findings)
    lines.push('', `**${level}** rule ${code(rule)}: ${inCell(message)}`);
  return `${lines.join('\n')}\n`;
}

function firstProposal(groups: readonly Group[]): Proposal | undefined {
  for (const group of groups) {
    const proposal = propose(group, groups);
    if (proposal) return proposal;
  }
  return undefined;
}

const inCell = (text: string) =>
  text.replace(/[\r\n]+/g, ' ').replace(/[|<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** As code in a table's cell; as many backticks around as it takes. */
function code(text: string | undefined): string {
  if (text === undefined) return '_absent_';
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks} ${text.replace(/[\r\n]+/g, ' ').replace(/\|/g, '\\|')} ${ticks}`;
}
