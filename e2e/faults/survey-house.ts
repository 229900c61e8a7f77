import type { Plan } from '@strangler/plan';
import { Agent } from 'undici';
import { surveyClean } from '../survey/survey-during.ts';
import { Ledger } from './ledger.ts';
import type { Shop } from './load-shop.ts';
import { Shopper } from './shopper.ts';

const SHOPPERS = 5;
const PATIENCE_MS = 30_000;

/** What of the house is surveyed: where users reach its shop, and users nobody has been given before. */
type House = {
  readonly plan: Plan;
  readonly bases: readonly string[];
  readonly shop: Shop;
  readonly newUsers: (count: number) => readonly number[];
};

/** Surveys the house while some users buy, cancel and read what they were told: nobody leaves the monolith before. */
export async function surveyHouse({ plan, bases, shop, newUsers }: House): Promise<void> {
  const dispatcher = new Agent({ connections: SHOPPERS, pipelining: 1 });
  const users = newUsers(SHOPPERS);
  const shopping = async (user: number) => {
    const shopper = new Shopper(user, bases, dispatcher, new Ledger());
    const patience = { until: Date.now() + PATIENCE_MS };
    const wanted = { items: [{ productId: shop.products[0]!, quantity: 1 }] };
    const bought = await shopper.ask('POST', '/api/orders', patience, wanted, `survey-${user}`);
    const order = (bought?.body ?? {}) as { id?: number };
    if (order.id !== undefined) await shopper.ask('POST', `/api/orders/${order.id}/cancel`, patience, {});
    const told = await shopper.ask('GET', '/api/notifications', patience);
    const [newest] = (told?.body as { notifications?: { id: number }[] } | undefined)?.notifications ?? [];
    if (newest) await shopper.ask('POST', `/api/notifications/${newest.id}/read`, patience, {});
  };
  try {
    await surveyClean(plan, ['notifications', 'orders'], () => Promise.all(users.map(shopping)));
  } finally {
    await dispatcher.close();
  }
}
