import type { Session } from './session.ts';

/** Names of the proxies that may be sending writes: registered, and neither left in order nor dismissed. */
export async function readProxies(session: Session): Promise<string[]> {
  const { rows } = await session.query('SELECT name FROM strangler_proxy ORDER BY name');
  return rows.map(({ name }) => String(name));
}

/** Registers a proxy by name. Safe to repeat. */
export async function registerProxy(session: Session, name: string): Promise<void> {
  await session.query('INSERT IGNORE INTO strangler_proxy (name) VALUES (?)', [name]);
}

/** Forgets a proxy that cannot send anything any more; one that is not registered is no error. */
export async function forgetProxy(session: Session, name: string): Promise<void> {
  await session.query('DELETE FROM strangler_proxy WHERE name = ?', [name]);
}
