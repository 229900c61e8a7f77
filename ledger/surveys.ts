import type { SurveyDetail } from '@strangler/plan';
import { mysqlTime } from './copies.ts';
import { isoTime } from './iso-time.ts';
import type { Session } from './session.ts';

/** What a survey found; in the monolith’s database. */
export type SurveyRow = {
  readonly capability: string;
  /** When it began, by the monolith’s database (`databaseTime`), ISO 8601. */
  readonly begun: string;
  readonly changes: number;
  /** Changes no request explains, whatever the Plan declares. */
  readonly unexplained: number;
  readonly detail: SurveyDetail;
};

/** Keeps the result of a survey, finished now. */
export async function writeSurvey(session: Session, row: SurveyRow): Promise<void> {
  await session.query(
    `INSERT INTO strangler_survey (capability, begun_at, finished_at, changes, unexplained, detail)
     VALUES (?, ?, CURRENT_TIMESTAMP(6), ?, ?, ?)`,
    [row.capability, mysqlTime(row.begun), row.changes, row.unexplained, JSON.stringify(row.detail)],
  );
}

/** The newest survey of a capability; undefined if there was none. */
export async function lastSurvey(
  session: Session,
  capability: string,
): Promise<(SurveyRow & { readonly at: string }) | undefined> {
  const { rows } = await session.query(
    `SELECT begun_at, finished_at, changes, unexplained, detail FROM strangler_survey
     WHERE capability = ? ORDER BY id DESC LIMIT 1`,
    [capability],
  );
  const row = rows[0];
  return (
    row && {
      capability,
      begun: isoTime(row.begun_at),
      at: isoTime(row.finished_at),
      changes: Number(row.changes),
      unexplained: Number(row.unexplained),
      detail: JSON.parse(String(row.detail)) as SurveyDetail,
    }
  );
}
