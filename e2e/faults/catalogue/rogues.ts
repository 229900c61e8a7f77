import type { Session } from '@strangler/ledger';
import { strangler } from '../../rehearsal/processes.ts';
import type { Fault, Scene } from '../fault.ts';
import { eventually, inSession } from '../holding.ts';
import { homeOf, type PastOrder, pastOrders } from '../regulars.ts';
import { PLAN_FILE } from '../stack.ts';

const SEEN_WITHIN_MS = 30_000;
const SOME = 5;

/** Lets both sides write while nothing crosses, so that neither knows of the other. */
async function apart(scene: Scene, work: (monolith: Session, service: Session, theirs: PastOrder[]) => Promise<void>) {
  const { stack } = scene;
  const theirs = (await pastOrders(stack, 'service')).slice(0, SOME);
  await inSession(homeOf(stack, 'monolith'), (monolith) =>
    inSession(homeOf(stack, 'service'), async (service) => {
      stack.cdc.signal('SIGSTOP');
      try {
        await work(monolith, service, theirs);
      } finally {
        stack.cdc.signal('SIGCONT');
      }
    }),
  );
}

type Kept = { readonly id: number; readonly stream: string; readonly status: string };

/** Waits until an image with this in it is kept in the service's quarantine, as often as it was written. */
const kept = ({ stack }: Scene, after: string, status: string, times: number): Promise<Kept[]> =>
  inSession(homeOf(stack, 'service'), (session) =>
    eventually(`${after} in quarantine, ${status}`, SEEN_WITHIN_MS, async () => {
      const { rows } = await session.query<Kept>(
        'SELECT id, stream, status FROM strangler_quarantine WHERE after_image LIKE ? AND status = ?',
        [`%${after}%`, status],
      );
      return rows.length === times ? rows : undefined;
    }),
  );

/** Writes past the proxy, into the side that has given the users away, what contradicts the owner. */
async function contradict(scene: Scene): Promise<void> {
  const late = `0.${1 + scene.chance.below(9)}${1 + scene.chance.below(9)}`; // kept without zeros at its end
  const owned = `${1_000 + scene.chance.below(1_000)}.00`;
  await apart(scene, async (monolith, service, theirs) => {
    for (const { id } of theirs) {
      await service.query('UPDATE orders SET total = ? WHERE id = ?', [owned, id]);
      await monolith.query('UPDATE orders SET total = ? WHERE id = ?', [late, id]);
    }
  });
  const entries = await kept(scene, `"${late}"`, 'open', SOME);
  const names = entries.map(({ stream, id }) => `${stream}:${id}`);
  const { env } = scene.stack;
  await strangler(
    ['quarantine', 'resolve', ...names, '--keep', 'owner', '--reason', 'fault suite', '--plan', PLAN_FILE],
    env,
  );
}

/** The same purchase once more, on the side that has given the users away: the owner's is the one that counts. */
async function buyTwice(scene: Scene): Promise<void> {
  const key = `twice-${scene.users[0]}`;
  await apart(scene, async (monolith, service, theirs) => {
    const insert = 'INSERT INTO orders (user_id, idempotency_key, total) VALUES (?, ?, 7)';
    for (const { user } of theirs) {
      await service.query(insert, [user, key]);
      await monolith.query(insert, [user, key]);
    }
  });
  await kept(scene, `"${key}"`, 'superseded', SOME);
}

/** A job of the monolith inserts for users who live on the service: rows may be born on either side. */
async function jobInserts({ stack, users, pause }: Scene): Promise<void> {
  const key = `job-${users[0]}`;
  const theirs = await pastOrders(stack, 'service');
  await inSession(homeOf(stack, 'monolith'), async (session) => {
    for (const { user } of theirs) {
      await session.query('INSERT INTO orders (user_id, idempotency_key, total) VALUES (?, ?, 3)', [user, key]);
      await pause(0, 20);
    }
  });
  await inSession(homeOf(stack, 'service'), (session) =>
    eventually('what the job has inserted', SEEN_WITHIN_MS, async () => {
      const { rows } = await session.query('SELECT id FROM orders WHERE idempotency_key = ?', [key]);
      return rows.length === theirs.length;
    }),
  );
}

/** Writers who do not ask whose user it is. */
export const rogues: readonly Fault[] = [
  { name: 'rogue writer contradicts the owner', lines: [69], chapter: 'steady', strike: contradict },
  { name: 'rogue writer repeats a purchase', lines: [69], chapter: 'steady', strike: buyTwice },
  { name: 'job inserts for migrated users', lines: [69], chapter: 'ramping', strike: jobInserts },
];
