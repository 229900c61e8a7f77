import { openSession, type Session, type Writer } from '@strangler/ledger';

/** Streams are independent, so a child may come before its parent; verify counts orphans. */
const SETTINGS = {
  mysql: 'SET SESSION foreign_key_checks = 0, SESSION transaction_isolation = "READ-COMMITTED"',
  postgres: 'SET session_replication_role = replica',
} as const;

/** Makes a session write rows as they were committed on the other side. */
export const asCommitted = async (session: Session): Promise<void> => {
  await session.query(SETTINGS[session.dialect]);
};

/** Opens a session that writes mapped rows as they were committed on the other side. Throws the driver's error. */
export async function openWriter(url: string, writer: Writer): Promise<Session> {
  const session = await openSession(url, writer);
  try {
    await asCommitted(session);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
