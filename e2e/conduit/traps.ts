import type { Finding, SurveyReport } from '@strangler/cdc';

/** What asking the applications as they were has brought. */
export type Evidence = {
  /** Surveyed with users by the claim of the token, and by the address looked up. */
  readonly byClaim: SurveyReport;
  readonly byAddress: SurveyReport;
  readonly doctor: readonly Finding[];
};

/** A habit of the monolith’s that makes a migration hard, who names it, and whether they did. */
export type Trap = {
  readonly name: string;
  readonly by: 'survey' | 'doctor';
  readonly isNamed: (evidence: Evidence) => boolean;
};

const bySurvey = (name: string, isNamed: Trap['isNamed']): Trap => ({ name, by: 'survey', isNamed });

const byDoctor = (name: string, what: RegExp): Trap => ({
  ...{ name, by: 'doctor' },
  isNamed: ({ doctor }) => doctor.some((finding) => what.test(finding.what)),
});

/** A finding of the survey by its cause, its table, and the columns or the route it names. */
const found =
  (cause: string, table: string, named: { readonly column?: string; readonly route?: string } = {}) =>
  ({ byAddress }: Evidence): boolean =>
    byAddress.findings.some(
      (one) =>
        one.cause === cause &&
        one.table === table &&
        (named.column === undefined || one.columns.includes(named.column)) &&
        (named.route === undefined || one.route === named.route),
    );

/** Every trap that something can see. That there are no idempotency keys, nothing can. */
export const TRAPS: readonly Trap[] = [
  bySurvey('Authorization: Token names nobody where Bearer is expected', ({ byClaim }) =>
    byClaim.withoutUser.some(({ route }) => route === 'POST /api/articles'),
  ),
  bySurvey('the token holds an address, rows hold an id', ({ byClaim }) => byClaim.strangers !== undefined),
  bySurvey('an article is born without its author', found('null-first', 'Articles')),
  bySurvey('tags are written after the answer', ({ byAddress }) =>
    byAddress.explainedBy.some(({ table, op, late }) => table === 'ArticleTags' && op === 'insert' && late > 0),
  ),
  bySurvey('a timed job writes everybody’s popularity', found('nobody', 'Articles', { column: 'popularity' })),
  bySurvey(
    'a webhook sponsors an article for no user',
    found('elsewhere', 'Articles', { column: 'sponsoredUntil', route: 'POST /webhooks/sponsorships' }),
  ),
  bySurvey(
    'staff edit what users wrote',
    found('elsewhere', 'Articles', { column: 'description', route: 'POST /admin/articles/{id}' }),
  ),
  bySurvey(
    'staff hide what users wrote',
    found('elsewhere', 'Articles', { column: 'hidden', route: 'POST /admin/articles/{id}/hide' }),
  ),
  bySurvey(
    'staff delete what users said',
    found('elsewhere', 'Comments', { route: 'POST /admin/comments/{id}/delete' }),
  ),
  bySurvey('others’ comments go with an article', found('cascade', 'Comments')),
  bySurvey('others’ favourites go with an article', found('cascade', 'Favorites')),
  byDoctor('an author may be NULL', /column authorId, .* may be NULL in the monolith/),
  byDoctor('articles outlive their author, as nobody’s', /from Articles \(authorId\) to Users, ON DELETE SET NULL/),
  byDoctor('a slug blocks another user’s', /unique key slug \(slug\) of the monolith spans users/),
  byDoctor('tags are everybody’s', /^Tags is there on both sides, and not in the Plan/),
  byDoctor('users are read by the service', /^Users is there on both sides, and not in the Plan/),
  byDoctor('whom one follows is read by the service', /^Follows is there on both sides, and not in the Plan/),
  byDoctor('ON DELETE CASCADE crosses users', /from Comments \(articleId\) to Articles, ON DELETE CASCADE: it crosses/),
  byDoctor('ON DELETE SET NULL in somebody’s money', /from Sponsorships \(articleId\) to Articles, ON DELETE SET NULL/),
  byDoctor('DATETIME(0) beside timestamptz', /createdAt is datetime\(0\) in the monolith/),
  byDoctor('a tag’s name has two ids', /unique key name \(name\) of the monolith spans users/),
  byDoctor('texts that the monolith has no room for', /what the monolith has no room for: body/),
];
