import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlan } from '@strangler/plan';
import type { Servers } from '@strangler/servers';
import { Agent } from 'undici';
import { parse, stringify } from 'yaml';
import { at, PORTS, planEnvironment, ROOT } from '../../e2e/rehearsal/addresses.ts';
import { Customer } from '../../e2e/rehearsal/customer.ts';
import type { Purchase } from '../../e2e/rehearsal/input.ts';
import { strangler } from '../../e2e/rehearsal/processes.ts';
import type { Processes } from '../../e2e/rehearsal/programs.ts';
import { ShoppingTally } from '../../e2e/rehearsal/tally.ts';
import { startToolkit } from '../../e2e/rehearsal/toolkit.ts';
import { readStatus, waitForStatus } from '../../e2e/rehearsal/watch.ts';
import { surveyClean } from '../../e2e/survey/survey-during.ts';
import type { Way } from './way.ts';

const BACK_WITHIN_MS = 30_000;
const FIRST = 5;

/** Writes the example’s Plan with nothing but orders in it, and no webhook; gives the file. */
export function writePlan(folder: string): string {
  const plan = parse(readFileSync(join(ROOT, 'strangler.yaml'), 'utf8'));
  plan.capabilities = { orders: plan.capabilities.orders };
  delete plan.control.webhook;
  delete plan.capabilities.orders.compare; // the other ways compare nothing either
  const file = join(folder, 'strangler.yaml');
  writeFileSync(file, stringify(plan));
  return file;
}

/** Some orders under keys of their own, which nobody counts, so that there is something to survey. */
async function buyFirst(live: readonly Purchase[]): Promise<void> {
  const dispatcher = new Agent({ connections: FIRST, pipelining: 1 });
  const tally = new ShoppingTally();
  const signal = AbortSignal.timeout(BACK_WITHIN_MS);
  for (const { customer, product, key } of live.slice(0, FIRST)) {
    const client = new Customer(customer, at(PORTS.proxies[0]!), {
      dispatcher,
      tally,
      patience: BACK_WITHIN_MS,
      signal,
    });
    const wanted = { items: [{ productId: product.id, quantity: 1 }] };
    await client.ask('POST', '/api/orders', [200, 201], wanted, `first-${key}`);
  }
  await dispatcher.close();
}

/** Sets up the proxy, control and cdc as the rehearsal does, with the rows of the monolith copied and verified. */
export async function startOurs(
  servers: Servers,
  processes: Processes,
  plan: string,
  live: readonly Purchase[],
): Promise<Way> {
  const env = planEnvironment(servers);
  const run = (...args: string[]) => strangler([...args, '--plan', plan], env);
  await run('init', '--apply', '--create-users');
  await startToolkit(processes);
  await run('verify');
  await surveyClean(loadPlan(plan, { ...process.env, ...env }), ['orders'], () => buyFirst(live));
  return {
    name: 'Strangler',
    bases: PORTS.proxies.map(at),
    ramp: async (percent) => void (await run('set', 'orders', String(percent), '--reason', 'benchmark')),
    broughtBack: async () =>
      void (await waitForStatus('the judge to bring everybody back', BACK_WITHIN_MS, ({ capabilities }) =>
        capabilities.every(({ boundary, phase }) => boundary === 0 && phase === 'idle'),
      )),
    sync: async () => {
      const { capabilities } = await readStatus();
      const streams = capabilities.flatMap((one) =>
        one.streams.map(({ direction, state }) => `${direction} is ${state}`),
      );
      return streams.join(', ');
    },
  };
}
