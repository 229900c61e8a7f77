import { setTimeout as sleep } from 'node:timers/promises';
import { holdCheckpoint, openSession, type Session } from '@strangler/ledger';
import { groupOf, type Plan, type Side } from '@strangler/plan';
import { openWriter } from './apply/writer.ts';
import { type Mapping, resolveMapping } from './mapping/mapping.ts';
import { type OwnerNow, readOwners } from './owner-now.ts';
import { Refusal } from './refusal.ts';
import { openRows, type Rows } from './rows/aggregates.ts';

/** Both databases of a capability, open to look into or to fix. */
export type OpenSides = {
  readonly capability: string;
  readonly mapping: Mapping;
  readonly sessions: Readonly<Record<Side, Session>>;
  readonly rows: Readonly<Record<Side, Rows>>;
  /** Reads who owns whom, now. */
  owners(): Promise<(user: string) => OwnerNow>;
  close(): Promise<void>;
};

const TIMEOUT_MS = 10_000;

async function openSides(plan: Plan, capability: string, as: 'reader' | 'repair'): Promise<OpenSides> {
  const one = plan.capabilities[capability]!;
  const open = (url: string) => (as === 'reader' ? openSession(url, 'reader') : openAlone(url));
  const monolith = await open(plan.monolith.database!.applier);
  const opened = [monolith];
  const close = async () => {
    await Promise.all(opened.map((session) => session.close()));
  };
  try {
    const service = await open(one.service.database!.applier);
    opened.push(service);
    const mapping = await resolveMapping(capability, one, monolith, service);
    return {
      capability,
      mapping,
      sessions: { monolith, service },
      rows: { monolith: openRows(monolith, mapping, 'monolith'), service: openRows(service, mapping, 'service') },
      owners: () => readOwners({ monolith, service }, capability, groupOf(plan, capability)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens both databases of a capability for as long as the task takes; with `repair`, to write there as one of our own. Throws
 * Refusal, driver errors.
 */
export async function withSides<T>(
  plan: Plan,
  capability: string,
  as: 'reader' | 'repair',
  task: (sides: OpenSides) => Promise<T>,
): Promise<T> {
  const sides = await openSides(plan, capability, as);
  try {
    return await task(sides);
  } finally {
    await sides.close();
  }
}

/** Keeps a stream's applier, and other operators, off its target until the session's transaction ends. Throws Refusal. */
export async function holdStream(session: Session, stream: string): Promise<void> {
  if (!(await holdCheckpoint(session, stream))) throw new Refusal(`${stream} has never run; start strangler cdc first`);
}

/** One session at a time may hold the replication origin: another operator's is waited for. */
async function openAlone(url: string): Promise<Session> {
  for (const until = Date.now() + TIMEOUT_MS; ; ) {
    try {
      return await openWriter(url, 'repair');
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55006') throw error;
      if (Date.now() > until) {
        throw new Refusal(`somebody else is fixing the service's database (${(error as Error).message}); try again`);
      }
      await sleep(100);
    }
  }
}
