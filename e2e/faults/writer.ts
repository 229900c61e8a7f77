import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { Chance } from '../chance.ts';
import type { Ledger, Purchase } from './ledger.ts';
import { Shopper } from './shopper.ts';

/** Who shops, where, how much. */
export type WriterOptions = {
  readonly bases: readonly string[];
  readonly users: readonly number[];
  readonly products: readonly number[];
  /** Purchases per second, if the shop keeps up. */
  readonly rate: number;
  readonly chance: Chance;
  readonly ledger: Ledger;
  /** Begins every Idempotency-Key. */
  readonly name: string;
  /** Hears of every purchase acknowledged. */
  readonly acknowledged: (purchase: Purchase) => void;
};

type Order = { readonly id: number; readonly total: string; readonly status: string };

const AT_A_TIME = 24;
/** How long users go on retrying after the last purchase was begun, ms. */
const RETRY_WITHIN_MS = 60_000;
/** A user who breaks off a purchase does so within this time, ms. */
const IMPATIENCE = 15;

/** The write load: users who buy, look at what they bought, cancel some of it, and now and then lose patience. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #dispatcher: Agent;
  readonly #shoppers: Shopper[];
  readonly #workers: Promise<void>[];
  readonly #begun = Date.now();
  #nth = 0;
  #behind = 0;
  #until = Number.POSITIVE_INFINITY;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#dispatcher = new Agent({ connections: AT_A_TIME, pipelining: 1 });
    this.#shoppers = options.users.map((user) => new Shopper(user, options.bases, this.#dispatcher, options.ledger));
    this.#workers = Array.from({ length: AT_A_TIME }, () => this.#work());
  }

  /** Begins nothing more, and waits until every purchase has its answer or was given up. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#until === Number.POSITIVE_INFINITY) this.#until = Date.now() + RETRY_WITHIN_MS;
    await Promise.all(this.#workers);
    await this.#dispatcher.close();
  }

  async #work(): Promise<void> {
    const { rate } = this.#options;
    while (this.#until === Number.POSITIVE_INFINITY) {
      const nth = this.#nth++;
      const due = this.#begun + this.#behind + (nth / rate) * 1_000;
      const late = Date.now() - due;
      if (late > 1_000) this.#behind += late; // a shop that stood still is not overrun when it opens again
      if (late < 0) await sleep(-late);
      if (this.#until !== Number.POSITIVE_INFINITY) return;
      await this.#turn(nth);
    }
  }

  /** Shoppers take turns, so nobody does two things at once while there are more of them than workers. */
  async #turn(nth: number): Promise<void> {
    const { chance, ledger, name, products } = this.#options;
    const shopper = this.#shoppers[nth % this.#shoppers.length]!;
    const product = products[chance.below(products.length)]!;
    const quantity = 1 + chance.below(3);
    const purchase = ledger.ask({ key: `${name}-${nth}`, user: shopper.user, product, quantity });
    const breakOff = chance.happens(0.02) ? AbortSignal.timeout(1 + chance.below(IMPATIENCE)) : undefined;
    const [reads, cancels] = [chance.happens(0.2), chance.happens(0.1)];
    const wanted = { items: [{ productId: product, quantity }] };
    const patience = { until: this.#patience(), ...(breakOff && { breakOff }) };
    const answer = await shopper.ask('POST', '/api/orders', patience, wanted, purchase.key);
    if (!answer) return;
    if (answer.status !== 200 && answer.status !== 201) return this.#complain(purchase, 'buying', answer);
    const order = answer.body as Order;
    purchase.outcome = 'acknowledged';
    purchase.order = order;
    this.#options.acknowledged(purchase);
    if (reads) await this.#read(shopper, purchase, order);
    if (cancels) await this.#cancel(shopper, purchase, order);
  }

  async #read(shopper: Shopper, purchase: Purchase, order: Order): Promise<void> {
    const answer = await shopper.ask('GET', `/api/orders/${order.id}`, { until: this.#patience() });
    if (answer && (answer.status !== 200 || (answer.body as Order).total !== order.total))
      this.#complain(purchase, `reading order ${order.id} at once`, answer);
  }

  async #cancel(shopper: Shopper, purchase: Purchase, order: Order): Promise<void> {
    purchase.cancelled = 'unknown';
    const answer = await shopper.ask('POST', `/api/orders/${order.id}/cancel`, { until: this.#patience() }, {});
    if (!answer) return;
    if (answer.status !== 200) return this.#complain(purchase, `cancelling order ${order.id}`, answer);
    purchase.cancelled = 'acknowledged';
  }

  #patience(): number {
    return Math.min(this.#until, Date.now() + RETRY_WITHIN_MS);
  }

  #complain({ key, user }: Purchase, doing: string, { status, body }: { status: number; body: unknown }): void {
    this.#options.ledger.complaints.push(
      `user ${user}, ${doing} (${key}), was answered ${status} ${JSON.stringify(body)}`,
    );
  }
}
