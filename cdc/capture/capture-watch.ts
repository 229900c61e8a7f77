import { CAPTURED, Database, type Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { ContinuityError } from '../log/continuity.ts';
import { connectorName, publicationName } from '../names.ts';
import { LOOKING, sleep } from '../sleep.ts';
import type { Connect } from './connectors.ts';

const POLL_MS = 1_000;

type Slot = { readonly flushed: string; readonly active: boolean };

/**
 * Looks once a second at what a service's log is captured through: the publication must hold every table, and nobody may
 * move or drop the slot while no one reads it, though neither would be an error to anyone. `onLost` is called at every look.
 */
export function watchPremises(
  plan: Plan,
  capability: string,
  connect: Connect,
  onLost: (error: ContinuityError) => void,
): () => Promise<void> {
  const { tables, service } = plan.capabilities[capability]!;
  const name = publicationName(plan, capability);
  const wanted = [...CAPTURED, ...Object.entries(tables).map(([table, { to }]) => to ?? table)];
  const database = new Database(service.database!.applier, 'reader', LOOKING);
  const abort = new AbortController();
  let last: Slot | undefined;
  // The connector tells Postgres of nothing that it has not stored in Connect before.
  const isAhead = async (slot: Slot): Promise<boolean> => {
    const offset = await connect.offset(connectorName(plan, { capability }));
    if (!offset) return false;
    const stored = ['lsn', 'lsn_proc', 'lsn_commit'].map((field) => offset[field]).filter((lsn) => lsn != null);
    // An offset that names no place yet says nothing; it is not the beginning.
    return stored.length > 0 && stored.every((lsn) => numberOf(slot.flushed) > BigInt(String(lsn)));
  };
  const look = async (session: Session) => {
    const { rows } = await session.query<{ tablename: string }>(
      'SELECT tablename FROM pg_publication_tables WHERE pubname = ?',
      [name],
    );
    const missing = wanted.filter((table) => !rows.some(({ tablename }) => tablename === table));
    if (missing.length) {
      const what = `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} no longer in publication ${name}`;
      onLost(new ContinuityError(`${what}; put it back with \`strangler init\``));
    }
    const slot = await readSlot(session, name);
    if (last && !slot) return onLost(new ContinuityError(`replication slot ${name} was dropped`));
    const unread = last && slot && !last.active && !slot.active;
    if (unread && (await isAhead(slot))) {
      return onLost(new ContinuityError(`replication slot ${name} was moved to ${slot.flushed} by hand`));
    }
    last = slot;
  };
  const run = async () => {
    while (!abort.signal.aborted) {
      await database.use(look).catch(() => {}); // the database is away, and its streams say so
      await sleep(POLL_MS, abort.signal);
    }
  };
  const life = run();
  return async () => {
    abort.abort();
    await life;
    await database.close();
  };
}

async function readSlot(session: Session, name: string): Promise<Slot | undefined> {
  const { rows } = await session.query<{ flushed: string | null; active: boolean }>(
    'SELECT confirmed_flush_lsn::text AS flushed, active FROM pg_replication_slots WHERE slot_name = ?',
    [name],
  );
  return rows[0] && { flushed: rows[0].flushed ?? '', active: rows[0].active };
}

/** An LSN as a number: `0/9E507A98`. */
const numberOf = (lsn: string): bigint => {
  const [high, low] = lsn.split('/') as [string, string];
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};
