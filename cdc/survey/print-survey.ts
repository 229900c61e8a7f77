import { type Plan, sayDuration, undeclaredIn } from '@strangler/plan';
import { textTable } from '../text-table.ts';
import type { SurveyReport } from './survey.ts';
import { adviceOn } from './survey-advice.ts';
import type { ExplainedBy, SurveyEvidence } from './survey-tally.ts';

/** Routes named of each table; the rest is counted. */
const ROUTES = 3;

/** What a survey has found of a capability, for people. */
export function printSurvey(report: SurveyReport, plan: Plan): string {
  const capability = plan.capabilities[report.capability]!;
  const sections = [
    headOf(report),
    tableOf(report),
    ...strangersIn(report, capability.userType),
    ...withoutUserIn(report),
    ...report.findings.map((finding) => sayFinding(finding, report, plan)),
    ...lateIn(report),
    ...writersIn(report, plan),
    ...report.notes.map((note) => `note: ${note}`),
    conclusionOf(report),
  ];
  return sections.join('\n\n');
}

function headOf({ capability, changes, explained, unexplained, unknown, milliseconds }: SurveyReport): string {
  const lost = unknown ? `, ${unknown} not judged` : '';
  return `${capability}: ${changes} changes in ${sayDuration(milliseconds)}, ${explained} made by requests of the row’s user, ${unexplained} not${lost}`;
}

function tableOf({ tables, explainedBy, findings }: SurveyReport): string {
  const lines = Object.entries(tables).map(([table, changes]) => {
    const made = explainedBy.filter((one) => one.table === table);
    const explained = made.reduce((sum, { count }) => sum + count, 0);
    const not = findings.filter((one) => one.table === table).reduce((sum, { count }) => sum + count, 0);
    return [table, changes, explained, not, sayRoutes(made)];
  });
  return textTable(['table', 'changes', 'explained', 'not', 'by'], lines);
}

function sayRoutes(made: readonly ExplainedBy[]): string {
  const counts = new Map<string, number>();
  for (const { route, count } of made) counts.set(route, (counts.get(route) ?? 0) + count);
  const routes = [...counts].sort(([, a], [, b]) => b - a);
  const named = routes.slice(0, ROUTES).map(([route, count]) => `${route} (${count})`);
  if (routes.length > ROUTES) named.push(`${routes.length - ROUTES} more routes`);
  return named.join(', ');
}

/** What a user looks like, without saying who it is. */
const shapeOf = (user: string): string => {
  if (/^-?\d+$/.test(user)) return 'a whole number';
  if (/^\S+@\S+$/.test(user)) return 'an e-mail address';
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(user)) return 'a UUID';
  return 'a name or another text';
};

function strangersIn({ strangers, capability }: SurveyReport, userType: string): string[] {
  if (!strangers) return [];
  const { request, row } = strangers;
  const [says, is] = [shapeOf(request), shapeOf(row)];
  const differ = says === is ? `both are ${says}, and not the same ones` : `requests say ${says}, rows say ${is}`;
  return [
    `NO USER OF A REQUEST IS EVER THE USER OF A ROW: ${differ} (userType: ${userType}). The split would follow one and the ` +
      `sync the other.\n  answer it: capabilities.${capability}.user must name the user as rows do, by another source or ` +
      'with a lookup (table, match, take); nothing below can be trusted before that',
  ];
}

function withoutUserIn({ withoutUser }: SurveyReport): string[] {
  if (!withoutUser.length) return [];
  const lines = withoutUser.map(({ route, count, why }) => `  ${count} × ${route}: ${why}`);
  return [`requests without a user, which stay with the monolith whoever’s data they write:\n${lines.join('\n')}`];
}

function sayFinding(finding: SurveyEvidence, report: SurveyReport, plan: Plan): string {
  const { table, count, samples } = finding;
  const { what, lines } = adviceOn(finding, report, plan.capabilities[report.capability]!);
  const isDeclared = !isUndeclared(finding, report.capability, plan);
  const rows = samples.map(({ key, at }) => `${key} at ${at}`).join('; ');
  return [
    `${isDeclared ? 'declared' : 'UNEXPLAINED'}: ${count} × ${table}: ${what}`,
    ...(rows ? [`  rows: ${rows}`] : []),
    ...(isDeclared ? [] : lines.map((line) => `  answer it: ${line}`)),
  ].join('\n');
}

const isUndeclared = (finding: SurveyEvidence, capability: string, plan: Plan): boolean =>
  undeclaredIn(plan.capabilities[capability]!.tables, { findings: [finding] }).length > 0;

/** The writers that would declare what can be declared, as the Plan has them. */
function writersIn(report: SurveyReport, plan: Plan): string[] {
  const { capability, findings } = report;
  const byTable = new Map<string, Set<string>>();
  for (const finding of findings) {
    const { writer } = adviceOn(finding, report, plan.capabilities[capability]!);
    if (writer === undefined || !isUndeclared(finding, capability, plan)) continue;
    byTable.set(finding.table, (byTable.get(finding.table) ?? new Set()).add(writer));
  }
  if (!byTable.size) return [];
  const lines = [...byTable].flatMap(([table, writers]) => [
    `      ${table}:`,
    '        writers:',
    ...[...writers].map((writer) => `          - ${writer}`),
  ]);
  const head = 'to declare in the Plan, once you know that they are who they seem to be:';
  return [[head, 'capabilities:', `  ${capability}:`, '    tables:', ...lines].join('\n')];
}

function lateIn({ explainedBy }: SurveyReport): string[] {
  const late = explainedBy.filter((one) => one.late > 0);
  if (!late.length) return [];
  const lines = late.map(
    ({ table, op, route, late: count, longest }) =>
      `  ${count} × ${op} of ${table}, up to ${sayDuration(longest)} after the answer of ${route}`,
  );
  return [
    `written after the answer, which a handoff does not wait for (they may come late, docs/how-it-works.md):\n${lines.join('\n')}`,
  ];
}

function conclusionOf({ capability, changes, unknown, undeclared, tables }: SurveyReport): string {
  const unseen = Object.keys(tables).filter((table) => !tables[table]);
  const missing = unseen.length ? `no change of ${unseen.join(', ')} was seen: survey when there is one. ` : '';
  if (changes === unknown)
    return `${missing}Nothing was seen, so nobody may leave the monolith yet: strangler survey ${capability} while users are at work`;
  if (undeclared)
    return `${missing}${undeclared} of ${changes} changes neither explained nor declared: nobody leaves the monolith while that is so`;
  return `${missing}Everything seen is explained or declared`;
}
