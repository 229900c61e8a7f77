import type { Result } from '../engine/compare-replies.ts';
import { bySeverity, type Difference } from '../engine/difference.ts';
import { suggestRule } from '../learn/suggest.ts';

const GROUPS = 20;
const EXAMPLES = 3;

/** A result as lines for a person: differences grouped by path and kind, old → new, and what rules excused. */
export function describeResult(result: Result): string {
  const lines = [`${HEADLINE[result.kind]}${result.reason ? `: ${result.reason}` : ''}`];
  const groups = groupByPath(result.differences);
  for (const group of groups.slice(0, GROUPS)) lines.push('', ...describeGroup(group));
  if (groups.length > GROUPS) lines.push('', `  … and ${groups.length - GROUPS} more paths`);
  const hits = Object.entries(result.hits);
  if (hits.length > 0) lines.push('', `Excused by rule: ${hits.map(([id, count]) => `${id} (${count})`).join(', ')}.`);
  const rule = groups.map(([first]) => suggestRule(first!)).find((suggestion) => suggestion !== undefined);
  if (rule) {
    lines.push('', 'If a difference is meant to be, name it in a rule, for example:', `  ${inCode(rule)}`);
  }
  return lines.join('\n');
}

const HEADLINE: Record<Result['kind'], string> = {
  equal: 'The replies are equal',
  'equal-by-rule': 'The replies are equal under the rules',
  mismatch: 'The new reply differs from the old one',
  'not-comparable': 'The replies cannot be compared',
  'candidate-error': 'The candidate failed',
  'candidate-timeout': 'The candidate did not answer in time',
  dropped: 'The replies were not compared',
  truncated: 'The comparison was given up before its end',
};

/** Differences that share path and kind, most severe groups first. */
function groupByPath(differences: readonly Difference[]): readonly (readonly Difference[])[] {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const key = `${difference.kind} ${difference.path}`;
    const group = groups.get(key);
    if (group) group.push(difference);
    else groups.set(key, [difference]);
  }
  return [...groups.values()].sort(([a], [b]) => bySeverity(a!, b!));
}

function describeGroup(group: readonly Difference[]): string[] {
  const { path, kind, severity } = group[0]!;
  const times = group.length === 1 ? '' : `, ${group.length} times`;
  const examples = group.slice(0, EXAMPLES).map((difference) => {
    const where = difference.at === path ? '' : `${difference.at}: `;
    return `    ${where}${difference.old ?? 'absent'} → ${difference.new ?? 'absent'}`;
  });
  const rest = group.length - examples.length;
  return [`  ${path}  ${kind}${times} (${severity})`, ...examples, ...(rest > 0 ? [`    … and ${rest} more`] : [])];
}

function inCode(rule: object): string {
  const quote = (value: unknown) =>
    typeof value === 'string' ? `'${value.replace(/['\\]/g, '\\$&')}'` : String(value);
  return `{ ${Object.entries(rule)
    .map(([name, value]) => `${name}: ${quote(value)}`)
    .join(', ')} }`;
}
