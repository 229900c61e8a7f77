import { portions } from './portions.ts';
import type { Session } from './session.ts';

const AT_ONCE = 200;

/** Writes corrections: `images` is JSON that only cdc reads. The other side's stream carries them there. */
export async function writeCorrections(
  session: Session,
  corrections: readonly { id: string; capability: string; images: string }[],
): Promise<void> {
  for (const some of portions(corrections, AT_ONCE, ({ images }) => images.length)) {
    await session.query(
      `INSERT INTO strangler_correction (id, capability, images) VALUES ${some.map(() => '(?, ?, ?)').join(', ')}`,
      some.flatMap(({ id, capability, images }) => [id, capability, images]),
    );
  }
}

/** Sends Debezium a signal through the captured table; in the monolith's database. */
export async function writeSignal(session: Session, row: { id: string; type: string; data: unknown }): Promise<void> {
  await session.query('INSERT INTO strangler_signal (id, type, data) VALUES (?, ?, ?)', [
    row.id,
    row.type,
    JSON.stringify(row.data),
  ]);
}
