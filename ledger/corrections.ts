import type { Session } from './session.ts';

/** Writes a correction: `images` is JSON that only cdc reads. The other side's stream carries it there. */
export async function writeCorrection(
  session: Session,
  row: { id: string; capability: string; images: string },
): Promise<void> {
  await session.query('INSERT INTO strangler_correction (id, capability, images) VALUES (?, ?, ?)', [
    row.id,
    row.capability,
    row.images,
  ]);
}

/** Sends Debezium a signal through the captured table; in the monolith's database. */
export async function writeSignal(session: Session, row: { id: string; type: string; data: unknown }): Promise<void> {
  await session.query('INSERT INTO strangler_signal (id, type, data) VALUES (?, ?, ?)', [
    row.id,
    row.type,
    JSON.stringify(row.data),
  ]);
}
