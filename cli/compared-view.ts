import type { Compared, ComparedRoute } from '@strangler/plan';
import type { Paint } from './paint.ts';
import { renderTable } from './table.ts';
import { inert, wrap } from './text.ts';

const BESIDE: readonly Compared[] = ['not-comparable', 'candidate-error', 'candidate-timeout', 'dropped', 'truncated'];

/** What comparing the replies of both sides has found, route by route; then what differs, most often first. */
export function renderCompared(routes: readonly ComparedRoute[], width: number, paint: Paint): string[] {
  if (!routes.length) return ['nothing has been compared yet; `compare.share` of the Plan says whose reads are'];
  const columns = [
    { title: 'ROUTE' },
    { title: 'EQUAL', right: true },
    { title: 'BY RULE', right: true },
    { title: 'DIFFER', right: true },
    { title: 'BESIDE' },
  ] as const;
  const rows = routes.map(({ route, results }) => {
    const differ = results.mismatch ?? 0;
    const beside = BESIDE.flatMap((kind) => (results[kind] ? [`${results[kind]} ${kind}`] : []));
    return [
      { text: inert(route) },
      { text: `${results.equal ?? 0}` },
      { text: `${results['equal-by-rule'] ?? 0}` },
      { text: `${differ}`, ...(differ && { tone: 'bad' as const }) },
      { text: beside.join(', ') },
    ];
  });
  return [...renderTable(columns, rows, width, paint), ...routes.flatMap((route) => differences(route, width, paint))];
}

function differences({ route, differences: groups }: ComparedRoute, width: number, paint: Paint): string[] {
  if (!groups.length) return [];
  const lines = ['', paint('title', inert(route))];
  for (const { kind, severity, path, count, samples } of groups) {
    lines.push(`  ${inert(path)}  ${kind} (${severity}), ${count} ${count === 1 ? 'time' : 'times'}`);
    for (const { target, at, monolith, service } of samples.slice(0, 2)) {
      const values = `monolith ${inert(monolith ?? 'absent')}, service ${inert(service ?? 'absent')}`;
      const text = `${values}  ${inert(target)} ${at === path ? '' : inert(at)}`.trimEnd();
      lines.push(...wrap(text, Math.max(20, width - 4)).map((line) => paint('quiet', `    ${line}`)));
    }
  }
  return lines;
}
