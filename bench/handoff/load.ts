import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { Ledger } from '../../e2e/faults/ledger.ts';
import { Shopper } from '../../e2e/faults/shopper.ts';
import type { Stack } from '../../e2e/faults/stack.ts';

/** A load that does not wait for slow answers to send on: every request is due at its own moment. */
export type Load = {
  /** Milliseconds of every write answered, with its retries. */
  readonly writes: number[];
  /** Requests that failed and were sent again, or were never answered. */
  readonly failed: () => number;
  /** Ends it, and waits for what is under way. */
  readonly stop: () => Promise<void>;
};

const USERS = 400;
const GIVE_UP_MS = 30_000;

/** Users of the stack who buy and read in turn: `rate` requests a second, `share` of them (0…1) purchases. */
export function startLoad(stack: Stack, rate: number, share: number): Load {
  const ledger = new Ledger();
  const dispatcher = new Agent({ connections: 64, pipelining: 1 });
  const shoppers = stack.newUsers(USERS).map((user) => new Shopper(user, stack.bases, dispatcher, ledger));
  const writes: number[] = [];
  const name = `bench-${Date.now().toString(36)}`;
  const underWay = new Set<Promise<void>>();
  let wrong = 0;
  let stopped = false;

  const ask = async (nth: number): Promise<void> => {
    const shopper = shoppers[nth % shoppers.length]!;
    const buys = Math.floor(nth * share) !== Math.floor((nth + 1) * share);
    const patience = { until: Date.now() + GIVE_UP_MS };
    const began = performance.now();
    const wanted = { items: [{ productId: stack.shop.products[nth % stack.shop.products.length]!, quantity: 1 }] };
    const answer = buys
      ? await shopper.ask('POST', '/api/orders', patience, wanted, `${name}-${nth}`)
      : await shopper.ask('GET', '/api/orders', patience);
    if (!answer || answer.status >= 300) wrong++;
    else if (buys) writes.push(performance.now() - began);
  };
  const life = (async () => {
    const begun = performance.now();
    for (let nth = 0; !stopped; nth++) {
      const due = begun + (nth / rate) * 1_000;
      if (due > performance.now()) await sleep(due - performance.now());
      const one: Promise<void> = ask(nth).finally(() => underWay.delete(one));
      underWay.add(one);
    }
  })();
  return {
    writes,
    failed: () => ledger.retried + wrong,
    stop: async () => {
      stopped = true;
      await life;
      await Promise.all(underWay);
      await dispatcher.close();
    },
  };
}
