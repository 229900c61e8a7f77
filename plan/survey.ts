import { createHash } from 'node:crypto';
import type { Capability, DeclaredWriter, Table } from './capability-schema.ts';
import type { SurveyedWrite } from './link.ts';
import { tablesToUser } from './ways.ts';

/*
 * A survey asks, while everybody is on the monolith, whether the split follows the data: whether each change of a mapped
 * row was made by a request of the row's user. cdc reads the log, proxies tell control of the requests, and control
 * passes them on; what was found is in strangler_survey.
 */

/** Asks control what writes it has heard of since `after` (the `next` of the answer before); absent: from now on. */
export type SurveyRequest = { after?: number };

/** What control has heard of writes; while somebody asks, proxies go on telling. */
export type SurveyAnswer = {
  /** Names what the numbers count: another one once control was restarted, and what was under way then is not known. */
  readonly stream: string;
  /** Milliseconds since 1970 by control’s clock, as are all times of the writes. */
  readonly now: number;
  readonly next: number;
  /** Writes since `after` that are not known, because there was no room for them. */
  readonly missed: number;
  readonly writes: readonly HeardWrite[];
  /** Every registered proxy; `tells`: of its writes, now. */
  readonly proxies: readonly { readonly proxy: string; readonly tells: boolean }[];
};

/** A write and the process of the proxy that told of it. */
export type HeardWrite = SurveyedWrite & { readonly proxy: string };

/** Why a change is not one that a request of its row’s user has made on a route of the capability. */
export const SURVEY_CAUSES = [
  'null-first',
  'no-user',
  'user-changed',
  'user-unreadable',
  'no-parent',
  'unrouted',
  'read-only',
  'other-capability',
  'cascade',
  'without-user',
  'other-user',
  'elsewhere',
  'nobody',
] as const;
export type SurveyCause = (typeof SURVEY_CAUSES)[number];

/** Changes of one table that are not explained. */
export type SurveyFinding = {
  readonly table: string;
  readonly op: 'insert' | 'update' | 'delete';
  /** Of an update, the columns it changed, in the table’s order. */
  readonly columns: readonly string[];
  readonly cause: SurveyCause;
  readonly count: number;
};

/** What a survey leaves behind for control; the report itself says more. */
export type SurveyDetail = {
  /** By table of the Plan as it was, how many changes were seen. */
  readonly tables: Readonly<Record<string, number>>;
  readonly findings: readonly SurveyFinding[];
  /** Changes of which nobody could tell, because control or a proxy was silent. */
  readonly unknown: number;
  /** What of the Plan, as it was, the survey has asked about; unset of one that was made before this was kept. */
  readonly asked?: SurveyAsked;
};

/** Parts of a capability that a survey asks about, each as a digest. */
export type SurveyAsked = Readonly<Record<(typeof ASKED)[number], string>>;

const ASKED = ['routes', 'readOnly', 'user', 'userType', 'tables'] as const;
/** How an identity is proven or kept decides not whose it is; and secrets have no place in a ledger, not even as digests. */
const NOT_ASKED: readonly string[] = ['verify', 'secret', 'signed', 'redis'];

/** What a survey of this capability asks about. */
export function askedOf(capability: Pick<Capability, (typeof ASKED)[number]>): SurveyAsked {
  const users = Object.entries(capability.tables).flatMap(([table, { user }]) => (user ? [[table, user]] : []));
  const digest = (part: unknown) =>
    createHash('sha256')
      .update(JSON.stringify(part, (key, value) => (NOT_ASKED.includes(key) ? undefined : value)) ?? '')
      .digest('hex')
      .slice(0, 16);
  const of = (part: (typeof ASKED)[number]) => digest(part === 'tables' ? users.sort() : capability[part]);
  return Object.fromEntries(ASKED.map((part) => [part, of(part)])) as SurveyAsked;
}

/** The parts of a capability that have changed since a survey asked about them. */
export const changedSince = (asked: SurveyAsked | undefined, capability: Parameters<typeof askedOf>[0]): string[] => {
  const now = askedOf(capability);
  return ASKED.filter((part) => asked?.[part] !== now[part]);
};

/** The newest survey of a capability. */
export type Surveyed = {
  /** ISO 8601, by the monolith’s database. */
  readonly at: string;
  readonly changes: number;
  /** Changes that neither a request explains nor the Plan, as it is now, declares. */
  readonly unexplained: number;
};

/** What the Plan, as it is now, does not declare of what a survey found. */
export const undeclaredIn = (
  tables: Capability['tables'],
  { findings }: Pick<SurveyDetail, 'findings'>,
): SurveyFinding[] =>
  findings.filter((finding) => {
    const table = tables[finding.table];
    return table !== undefined && !isUnowned(tables, finding) && !isDeclared(table, finding);
  });

/** True if the row has no user yet, and the Plan says where such rows are: of its own table, or of one that it is reached through. */
function isUnowned(tables: Capability['tables'], { table, cause }: SurveyFinding): boolean {
  if (cause !== 'null-first' && cause !== 'no-user') return false;
  return tablesToUser(table, tables).some((one) => tables[one]!.unowned !== undefined);
}

/**
 * What a writer answers: who writes in the monolith, and stays there. The others say that a row is nobody's, that a request
 * is not seen as its user's, or that a route of the capability writes rows of others: it goes where its own user goes.
 */
const OF_WRITERS: readonly SurveyCause[] = ['user-changed', 'cascade', 'elsewhere', 'nobody'];

/** True if a writer of the table may do this, or nothing was changed that decides anything. */
function isDeclared({ writers, touched }: Table, { op, columns, cause }: SurveyFinding): boolean {
  if (!OF_WRITERS.includes(cause)) return op === 'update' && columns.every((column) => touched.includes(column));
  const may = (what: keyof DeclaredWriter) => writers.some((writer) => writer[what] === true);
  if (op === 'insert') return may('inserts');
  if (op === 'delete') return may('deletes');
  const declared = new Set([...touched, ...writers.flatMap((writer) => writer.columns ?? [])]);
  return columns.every((column) => declared.has(column));
}

/** `update of popularity`, `insert`. */
export const sayChange = ({ op, columns }: Pick<SurveyFinding, 'op' | 'columns'>): string =>
  op === 'update' ? `update of ${columns.join(', ')}` : op;
