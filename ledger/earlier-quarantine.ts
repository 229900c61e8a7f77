import type { Session } from './session.ts';

/** Brings a quarantine made by an earlier version up to date. Safe to repeat. */
export async function renewQuarantine(session: Session): Promise<void> {
  await widenUsers(session);
  await nameCauses(session);
}

const here = ({ dialect }: Session): string => (dialect === 'mysql' ? 'DATABASE()' : 'current_schema()');

async function hasColumn(session: Session, column: string, more = ''): Promise<boolean> {
  const { rows } = await session.query(
    `SELECT 1 FROM information_schema.columns WHERE table_schema = ${here(session)}
     AND table_name = 'strangler_quarantine' AND column_name = ? ${more}`,
    [column],
  );
  return rows.length > 0;
}

/** It held users of up to 190 characters only. */
async function widenUsers(session: Session): Promise<void> {
  if (!(await hasColumn(session, 'user_id', 'AND character_maximum_length = 190'))) return;
  const column = session.dialect === 'mysql' ? 'MODIFY user_id LONGTEXT' : 'ALTER user_id TYPE TEXT';
  await session.query(`ALTER TABLE strangler_quarantine ${column}`);
}

/**
 * It called a cause `reason`, and counted nothing. What it had settled by then counts as expected, or the gates would
 * close for what is long over. The new name comes last: only with it is all of this done.
 */
async function nameCauses(session: Session): Promise<void> {
  if (!(await hasColumn(session, 'reason'))) return;
  const mysql = session.dialect === 'mysql';
  if (!(await hasColumn(session, 'operation'))) {
    await session.query('ALTER TABLE strangler_quarantine ADD COLUMN operation VARCHAR(36)');
  }
  if (!(await hasColumn(session, 'expected_at'))) {
    const time = mysql ? 'DATETIME(6)' : 'TIMESTAMPTZ';
    await session.query(`ALTER TABLE strangler_quarantine ADD COLUMN expected_at ${time}`);
  }
  await session.query("UPDATE strangler_quarantine SET reason = 'late-superseded' WHERE reason = 'superseded'");
  await session.query("UPDATE strangler_quarantine SET expected_at = created_at WHERE status <> 'open'");
  await session.query('DELETE FROM strangler_cause');
  await session.query(
    `INSERT INTO strangler_cause (stream, cause, kept, expected)
     SELECT stream, reason, COUNT(*), COUNT(expected_at) FROM strangler_quarantine GROUP BY stream, reason`,
  );
  const index = mysql ? ', ADD KEY unexpected (stream, cause, expected_at), ADD KEY aged (stream, created_at)' : '';
  await session.query(`ALTER TABLE strangler_quarantine RENAME COLUMN reason TO cause${index}`);
}
