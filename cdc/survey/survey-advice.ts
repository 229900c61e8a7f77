import {
  type Capability,
  columnsOfWay,
  type SurveyCause,
  sayChange,
  sayDuration,
  type Table,
  waysOf,
} from '@strangler/plan';
import type { ExplainedBy, SurveyEvidence } from './survey-tally.ts';

/** What a finding means, and the lines of the Plan (or the change of the application) that answer it. */
export type SurveyAdvice = {
  readonly what: string;
  readonly lines: readonly string[];
  /** To be put under the table’s `writers`. */
  readonly writer?: string;
};

type About = {
  readonly finding: SurveyEvidence;
  readonly table: Table;
  readonly capability: string;
  /** Columns that requests of the rows’ users change themselves. */
  readonly own: ReadonlySet<string>;
};

/** Says what a finding is, and what answers it; `explainedBy` is what the same survey found of the rows’ users. */
export function adviceOn(
  finding: SurveyEvidence,
  { capability, explainedBy }: { readonly capability: string; readonly explainedBy: readonly ExplainedBy[] },
  plan: Capability,
): SurveyAdvice {
  const made = explainedBy.filter(({ table, op }) => table === finding.table && op === 'update');
  const own = new Set(made.flatMap(({ columns }) => columns));
  return ADVICE[finding.cause]({ finding, table: plan.tables[finding.table]!, capability, own });
}

/** The columns that lead to a row’s user; what is everybody’s has no finding that is about one. */
const userColumn = (table: Table): string => [...new Set(waysOf(table).flatMap(columnsOfWay))].join(' or ');

/** True of what is everybody’s (`split: none`): any request of the capability may write it. */
const isEverybodys = ({ table }: About): boolean => table.user === undefined;

/** The columns that decide something of what a finding changes. */
const decisive = ({ finding, table }: About): string[] =>
  finding.columns.filter((column) => !table.touched.includes(column));

/** The writer of a table that a finding would be declared by, as a line of the Plan. */
function writerOf(about: About, by: string): string {
  const { op } = about.finding;
  const may = { insert: 'inserts: true', update: `columns: [${decisive(about).join(', ')}]`, delete: 'deletes: true' }[
    op
  ];
  return `{ by: "${by}", ${may} }`;
}

/** Answered by a writer of the table; but a declared column has one writer, and users may write it themselves. */
function declared(about: About, what: string, by: string): SurveyAdvice {
  const theirs = about.finding.op === 'update' ? decisive(about).filter((column) => about.own.has(column)) : [];
  const through = isEverybodys(about)
    ? `let it go through the proxy, on one of capabilities.${about.capability}.routes`
    : 'send it through the proxy as the row’s user';
  if (!theirs.length)
    return { what, lines: [`${through}, or declare who writes it, as below`], writer: writerOf(about, by) };
  const names = theirs.join(', ');
  return {
    what,
    lines: [
      `${through}: ${isEverybodys(about) ? 'its requests write' : 'users write'} ${names} themselves, and what is declared has one writer`,
      `or, if it decides nothing, name it: capabilities.${about.capability}.tables.${about.finding.table}.touched: [${names}]`,
    ],
  };
}

const UNOWNED = ({ finding, table, capability }: About): string[] => [
  waysOf(table).length > 1
    ? `in the application: insert the row with its ${userColumn(table)}; strangler doctor says what assures it`
    : `in the application: insert the row with its ${userColumn(table)}, and make that NOT NULL`,
  `or leave such rows with the monolith until they have a user: capabilities.${capability}.tables.${rootOf(finding.table, table)}.unowned: monolith`,
];

/** The table whose row the user is reached through, if there is no other way; of several, the next. */
function rootOf(name: string, table: Table): string {
  const [way, ...others] = waysOf(table);
  return way && 'of' in way && !others.length ? way.of : name;
}

const ADVICE: Record<SurveyCause, (about: About) => SurveyAdvice> = {
  'null-first': (about) => ({
    what: `${userColumn(about.table)} is NULL at first, and set by an update up to ${sayDuration(about.finding.longest ?? 0)} later: until then nobody knows whose the row is`,
    lines: UNOWNED(about),
  }),
  'no-user': (about) => ({
    what: `${sayChange(about.finding)} of rows whose ${userColumn(about.table)} is NULL: they are nobody’s`,
    lines: UNOWNED(about),
  }),
  'user-changed': (about) =>
    declared(
      about,
      `${userColumn(about.table)} is changed from one user to another: the row would have to change sides`,
      'who gives rows to other users',
    ),
  'user-unreadable': ({ table, capability }) => ({
    what: `${userColumn(table)} says what is no user of the Plan’s userType`,
    lines: [`capabilities.${capability}.userType: text, or the type the column really has`],
  }),
  'no-parent': ({ table }) => ({
    what: `the parent that ${userColumn(table)} leads to is not there: nobody knows whose the row is`,
    lines: [`look whether the application leaves rows behind when it deletes their parent`],
  }),
  unrouted: ({ finding, capability }) => ({
    what: `${sayChange(finding)} by a request of the row’s user on a route that the Plan does not have: ${finding.route}`,
    lines: [`capabilities.${capability}.routes: add "${asRoute(finding.route)}"`],
  }),
  'read-only': ({ finding, capability }) => ({
    what: `${sayChange(finding)} by ${finding.route}, which the Plan says writes nothing`,
    lines: [`capabilities.${capability}.readOnly: take out "${asRoute(finding.route)}"`],
  }),
  'other-capability': ({ finding, capability }) => ({
    what: `${sayChange(finding)} by ${finding.route}, a route of another capability, which may only insert here`,
    lines: [`move the route to ${capability}, or the table to the capability of the route: they move together`],
  }),
  cascade: (about) =>
    declared(
      about,
      'deleted by the database with a parent of another user (ON DELETE CASCADE)',
      'the database, with a deleted parent',
    ),
  'without-user': ({ finding, capability }) => ({
    what: `${sayChange(finding)} while ${finding.route} was under way, which names no user`,
    lines: [`capabilities.${capability}.user: add a source that names the user of ${finding.route}`],
  }),
  'other-user': ({ finding, table, capability }) => ({
    what: `${sayChange(finding)} while ${finding.route} of another user was under way`,
    lines: [
      `this route moves with its own user, so nobody can declare it. Let it go as the row’s user: before the other sources of capabilities.${capability}.user, { row: ${finding.table}, by: a unique column, from: a parameter of the route } ` +
        'if no other route has that parameter; else give it a route of its own for that',
      `or keep what the other user writes in a table of its own, whose ${userColumn(table)} is that user`,
    ],
  }),
  elsewhere: (about) =>
    declared(
      about,
      `${sayChange(about.finding)} while ${about.finding.route} was under way, which is no route of ${isEverybodys(about) ? about.capability : 'the Plan’s and not of the row’s user: staff, or a webhook'}`,
      String(about.finding.route),
    ),
  nobody: (about) =>
    declared(
      about,
      `${sayChange(about.finding)} while no request was under way that could have made it: a timed job, or somebody past the proxy`,
      'a timed job',
    ),
};

/** `POST /articles/{slug}` as a route of the Plan, which names each parameter once. */
function asRoute(route: string | undefined): string {
  const named = new Map<string, number>();
  return (route ?? '').replace(/\{(\w+)\}/g, (_, name: string) => {
    const times = (named.get(name) ?? 0) + 1;
    named.set(name, times);
    return `:${name}${times > 1 ? times : ''}`;
  });
}
