import type { HandoffKind } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { Agent } from 'undici';
import { afterHandoffRow, OwnershipHistory } from '../../../cdc/apply/ownership-history.ts';
import { at, PORTS } from '../../rehearsal/addresses.ts';
import type { Chapter, Fault, Scene } from '../fault.ts';
import { inSession } from '../holding.ts';
import { homeOf } from '../regulars.ts';
import { type Answer, Shopper } from '../shopper.ts';
import type { Stack } from '../stack.ts';

const DIRECT: Readonly<Record<Side, string>> = { monolith: at(PORTS.monolith), service: at(PORTS.orders) };
const PURCHASES = 80;
const ASK_WITHIN_MS = 60_000;
const SIDES = ['monolith', 'service'] as const;

const isRefused = ({ status, body }: Answer): boolean =>
  status === 409 && (body as { error?: { code?: string } }).error?.code === 'given-away';

/**
 * A rule of the load balancer that nobody remembers sends some purchases past the proxies, to either side, whoever owns
 * the user; what is refused is sent again through a proxy, with its key. Counts the late writes this has made.
 */
async function pastTheProxies(scene: Scene, fenced: boolean): Promise<void> {
  const { stack, users, chance, ledger, pause, note } = scene;
  const prefix = `past-${users[0]}-`;
  const dispatcher = new Agent({ connections: 4, pipelining: 1 });
  let refused = 0;
  try {
    for (let nth = 0; nth < PURCHASES; nth++) {
      const user = users[chance.below(users.length)]!;
      const product = stack.shop.products[chance.below(stack.shop.products.length)]!;
      const purchase = ledger.ask({ key: prefix + nth, user, product, quantity: 1 });
      const ask = (bases: readonly string[]) =>
        new Shopper(user, bases, dispatcher, ledger).ask(
          ...(['POST', '/api/orders', { until: Date.now() + ASK_WITHIN_MS }] as const),
          { items: [{ productId: product, quantity: 1 }] },
          purchase.key,
        );
      let answer = await ask([DIRECT[SIDES[chance.below(2)]!]]);
      if (answer && isRefused(answer)) {
        refused++;
        answer = await ask(stack.bases);
      }
      if (answer?.status !== 201) throw new Error(`${purchase.key} was answered ${JSON.stringify(answer)}`);
      purchase.outcome = 'acknowledged';
      purchase.order = answer.body as { id: number; total: string };
      await pause(0, 60);
    }
  } finally {
    await dispatcher.close();
  }
  const late = await lateWrites(stack, prefix);
  note('late writes', String(late));
  note('refused', String(refused));
  if (fenced ? late > 0 || !refused : !late || refused)
    throw new Error(`${late} late writes and ${refused} refused ${fenced ? 'with' : 'without'} the fence`);
}

/** Orders born on a side, odd in MySQL and even in Postgres, when by its own log their user was not (any more) its own. */
async function lateWrites(stack: Stack, prefix: string): Promise<number> {
  let late = 0;
  for (const side of SIDES) {
    await inSession(homeOf(stack, side), async (session) => {
      const { rows: log } = await session.query<Record<string, unknown>>(
        "SELECT epoch, kind, lo, hi, user_id, created_at FROM strangler_handoff WHERE capability = 'orders' ORDER BY epoch, kind",
      );
      const { rows: orders } = await session.query<Record<string, unknown>>(
        'SELECT user_id, created_at FROM orders WHERE idempotency_key LIKE ? AND id % 2 = ?',
        [`${prefix}%`, side === 'monolith' ? 1 : 0],
      );
      for (const order of orders) {
        const then = timeOf(order.created_at) + 1; // its milliseconds are cut off
        const history = new OwnershipHistory('shop', side === 'monolith', []);
        for (const { epoch, kind, lo, hi, user_id, created_at } of log) {
          if (timeOf(created_at) > then) continue;
          const subject = { lo: Number(lo), hi: Number(hi), ...(user_id !== null && { user: String(user_id) }) };
          const row = { capability: 'orders', epoch: Number(epoch), kind: kind as HandoffKind, subject, forced: false };
          history.record(afterHandoffRow(row, history.at(row.epoch)));
        }
        if (!history.standing(String(order.user_id)).owns) late++;
      }
    });
  }
  return late;
}

/** Milliseconds of a time as either driver gives it; MySQL's is a text in UTC. */
const timeOf = (time: unknown): number =>
  time instanceof Date ? time.getTime() : Date.parse(`${String(time).replace(' ', 'T')}Z`);

const bypass = (chapter: Chapter): Fault[] => [
  {
    name: `purchases past the proxies, ${chapter}`,
    lines: [69, 79],
    chapter,
    strike: (scene) => pastTheProxies(scene, false),
  },
  {
    name: `purchases past the proxies, with the fence, ${chapter}`,
    ...{ lines: [69, 79], chapter, inPlan: { fence: true } },
    strike: (scene) => pastTheProxies(scene, true),
  },
];

/** Writers who reach the databases' applications without a proxy, and what the fence makes of them. */
export const bypasses: readonly Fault[] = (['steady', 'ramping', 'rolling back'] as const).flatMap(bypass);
