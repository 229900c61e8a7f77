import {
  countsOf,
  DIFFERENCE_PHRASES,
  distinct,
  type Group,
  type Noise,
  REFUSAL_PHRASES,
  type Report,
  type RouteTally,
  timesOf,
  UNRATED,
} from '@strangler/compare';
import type { Paint } from './paint.ts';
import { renderTable } from './table.ts';
import { inert, wrap } from './text.ts';

const MOST_NOISE = 20;

/** What comparing live has found: by route, then what differs, what drifts by itself, rules to look at, the next step. */
export function renderCompared(capability: string, report: Report, width: number, paint: Paint): string[] {
  const { routes, groups, ungrouped } = report.tally;
  if (!routes.length) return ['nothing has been compared yet; `compare.share` of the Plan says whose reads are'];
  const title = (text: string) => ['', paint('title', text)];
  const noise = report.noise ?? [];
  const differing = routes.flatMap(({ route }) => {
    const own = groups.filter((group) => group.route === route);
    return own.length ? [...title(inert(route)), ...own.flatMap((group) => renderGroup(group, width, paint))] : [];
  });
  return [
    ...renderRoutes(routes, width, paint),
    ...differing,
    ...(ungrouped ? ['', `… and ${ungrouped} more differences`] : []),
    ...(noise.length ? title('What the monolith answers differently by itself') : []),
    ...noise.slice(0, MOST_NOISE).map(sayNoise),
    ...(noise.length > MOST_NOISE ? [`  … and ${noise.length - MOST_NOISE} more`] : []),
    ...(report.findings.length ? title('Rules that need a look') : []),
    ...report.findings.map(({ rule, level, message }) => `  ${level}: rule ${inert(rule)} ${inert(message)}`),
    ...nextStep(capability, groups, noise),
  ];
}

function renderRoutes(routes: readonly RouteTally[], width: number, paint: Paint): string[] {
  const columns = [
    { title: 'ROUTE' },
    { title: 'EQUAL', right: true },
    { title: 'BY RULE', right: true },
    { title: 'DIFFER', right: true },
    { title: 'NOT IN THE RATE' },
  ] as const;
  const rows = routes.map(({ route, counts, mismatches }) => [
    { text: inert(route) },
    { text: `${counts.equal}` },
    { text: `${counts['equal-by-rule']}` },
    { text: `${mismatches}`, ...(mismatches && { tone: 'bad' as const }) },
    { text: countsOf(counts, UNRATED) },
  ]);
  return renderTable(columns, rows, width, paint);
}

function renderGroup(group: Group, width: number, paint: Paint): string[] {
  const { id, kind, severity, path, samples } = group;
  const lines = [`  ${id}  ${inert(path)} ${DIFFERENCE_PHRASES[kind]} (${severity}), ${timesOf(group)}`];
  for (const { at = '', place, old, new: newer } of distinct(samples).slice(0, 2)) {
    const values = `monolith ${inert(old ?? 'absent')}, service ${inert(newer ?? 'absent')}`;
    const text = `${values}  ${inert(at)} ${place === path ? '' : inert(place)}`.trimEnd();
    lines.push(...wrap(text, Math.max(20, width - 10)).map((line) => paint('quiet', `          ${line.trimEnd()}`)));
  }
  return lines;
}

function sayNoise({ group: { id, route, path, kind, pairs }, pairs: of, proposal, refused }: Noise): string {
  const rule = proposal ? 'a rule is proposed' : `no rule is: ${REFUSAL_PHRASES[refused!]}`;
  return `  ${id}  ${inert(route)} ${inert(path)} ${DIFFERENCE_PHRASES[kind]} in ${pairs} of ${of}; ${rule}`;
}

/** The command that leads from a group to a rule, with the first one there may be a rule for. */
function nextStep(capability: string, groups: readonly Group[], noise: readonly Noise[]): string[] {
  const first = noise.find(({ proposal }) => proposal)?.group ?? groups.find(({ kind }) => kind !== 'status');
  if (!first) return [];
  return [
    '',
    `Is it meant? Its rule, and what else it would hide: strangler rules suggest --from ${inert(capability)} --group ${first.id}`,
  ];
}
