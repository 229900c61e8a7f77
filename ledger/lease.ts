import type { Session } from './session.ts';

/*
 * A lease names its one holder and the holder’s term. Terms only grow: with every acquisition, and, because they are at
 * least the database’s clock in seconds, also past whatever a restored backup has forgotten.
 */

const NOW = 'CURRENT_TIMESTAMP(6)';
const IN = `${NOW} + INTERVAL ? MICROSECOND`;

/** Begins a new term of `ttl` milliseconds by the database’s clock; undefined while another holder has the lease. */
export function acquireLease(session: Session, name: string, holder: string, ttl: number): Promise<number | undefined> {
  return session.transaction(async () => {
    const { rows } = await session.query<{ holder: string; free: number; next: unknown }>(
      `SELECT holder, expires_at < ${NOW} AS free, GREATEST(term + 1, UNIX_TIMESTAMP()) AS next
       FROM strangler_lease WHERE name = ? FOR UPDATE`,
      [name],
    );
    const current = rows[0];
    if (!current) {
      await session.query(
        `INSERT INTO strangler_lease (name, holder, term, expires_at) VALUES (?, ?, UNIX_TIMESTAMP(), ${IN})`,
        [name, holder, ttl * 1_000],
      );
      const { rows: made } = await session.query('SELECT term FROM strangler_lease WHERE name = ?', [name]);
      return Number(made[0]!.term);
    }
    if (current.holder !== holder && !current.free) return undefined;
    const term = Number(current.next);
    await session.query(`UPDATE strangler_lease SET holder = ?, term = ?, expires_at = ${IN} WHERE name = ?`, [
      ...[holder, term, ttl * 1_000, name],
    ]);
    return term;
  });
}

/** Prolongs a term to `ttl` milliseconds from now; false if it is over, because the lease was acquired again since. */
export async function renewLease(session: Session, name: string, term: number, ttl: number): Promise<boolean> {
  const { affected } = await session.query(
    `UPDATE strangler_lease SET expires_at = ${IN} WHERE name = ? AND term = ?`,
    [ttl * 1_000, name, term],
  );
  return affected === 1;
}

/** Ends a term, so that the next holder need not wait for it to run out. */
export async function releaseLease(session: Session, name: string, term: number): Promise<void> {
  await session.query(`UPDATE strangler_lease SET expires_at = ${IN} WHERE name = ? AND term = ?`, [-1, name, term]);
}

/** Inside a transaction: true if the term is the latest, which it then stays until the transaction ends. */
export async function isTerm(session: Session, name: string, term: number): Promise<boolean> {
  const { rows } = await session.query('SELECT term FROM strangler_lease WHERE name = ? FOR SHARE', [name]);
  return rows.length > 0 && Number(rows[0]!.term) === term;
}
