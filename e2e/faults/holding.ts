import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session, type Value } from '@strangler/ledger';

/** Looks until there is something to see. Throws after `within` ms, saying what did not come. */
export async function eventually<T>(what: string, within: number, see: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + within; ; await sleep(5)) {
    const seen = await see();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`${what} was not seen within ${within / 1_000} s`);
  }
}

/** Gives work a session of its own, as somebody who knows nothing of us. */
export async function inSession<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(url, 'reader');
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Holds what these statements lock, in one transaction that changes nothing, while `work` goes on. */
export const holding = <T>(url: string, statements: readonly string[], work: () => Promise<T>): Promise<T> =>
  inSession(url, async (session) => {
    await session.query(session.dialect === 'mysql' ? 'START TRANSACTION' : 'BEGIN');
    for (const statement of statements) await session.query(statement);
    const result = await work();
    await session.query('ROLLBACK');
    return result;
  });

/** The first column of the first row. */
export async function firstOf(session: Session, sql: string, values: readonly Value[] = []): Promise<unknown> {
  const { rows } = await session.query<Record<string, unknown>>(sql, values);
  return rows[0] && Object.values(rows[0])[0];
}
