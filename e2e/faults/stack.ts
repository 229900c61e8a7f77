import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verify } from '@strangler/cdc';
import { loadPlan, type Plan } from '@strangler/plan';
import type { Servers } from '@strangler/servers';
import { parse, stringify } from 'yaml';
import { databaseAddresses, HOME, at as local, PORTS, planEnvironment, ROOT } from '../rehearsal/addresses.ts';
import { cleanSlate } from '../rehearsal/clean-slate.ts';
import { announceOrders } from '../rehearsal/outbox.ts';
import { Process, strangler } from '../rehearsal/processes.ts';
import { processesOf } from '../rehearsal/programs.ts';
import { inSession } from './holding.ts';
import { loadShop, type Shop } from './load-shop.ts';
import { set, until } from './operator.ts';
import { isActive, relay } from './relay.ts';
import { surveyHouse } from './survey-house.ts';

/** The whole house, running: every process, two proxies, an active and a standby control. */
export type Stack = Readonly<Record<'monolith' | 'orders' | 'notifications' | 'cdc', Process>> & {
  readonly proxies: readonly [Process, Process];
  readonly controls: readonly [Process, Process];
  readonly servers: Servers;
  readonly addresses: ReturnType<typeof databaseAddresses>;
  readonly plan: Plan;
  /** The environment that fills in the Plan. */
  readonly env: Record<string, string>;
  /** Where users reach the shop. */
  readonly bases: readonly string[];
  readonly shop: Shop;
  readonly inPlan: NonNullable<Prepared['inPlan']>;
  /** The control that holds the lease. Throws if none does. */
  readonly activeControl: () => Promise<Process>;
  /** Gives users nobody has been given before. */
  readonly newUsers: (count: number) => number[];
  /** Waits for the copy of existing rows, verifies, surveys, and moves the notifications, as a migration would by then. */
  readonly settle: () => Promise<void>;
  /** Ends the processes; safe to call twice. The servers go on. */
  readonly stop: () => Promise<void>;
};

/** How far to go before the stack is handed over. */
export type Prepared = {
  /** Orders that are in the monolith before anything is copied. */
  readonly history: number;
  /** Hands the stack over while the copying has only begun. */
  readonly copying?: boolean;
  /**
   * Merged into the Plan’s capability `orders`; `unleash`: flags are on an Unleash server instead of in a file; `fence`:
   * monolith and services refuse writes of users who are not theirs.
   */
  readonly inPlan?: {
    readonly handoff?: object;
    readonly confirmed?: boolean;
    readonly unleash?: true;
    readonly fence?: true;
  };
};

/** The Plan the stack goes by. */
export const PLAN_FILE = join(HOME, 'faults.yaml');
const BACKFILL_WITHIN_MS = 600_000;
const MOVED_WITHIN_MS = 240_000;
/** A quarter of the example’s: the suite restarts proxies and controls all the time, and each costs this pause. */
const WRITE_FATE = '3s';
/** Small steps, so that a fault meets the middle of a ramp: 0.4 % of the users at a time. */
const SLICE = 40;

/** Drops everything the stack before left, and starts over. Rejects, with everything stopped, if it cannot. */
export async function startStack(
  servers: Servers,
  { history, copying = false, inPlan = {} }: Prepared,
): Promise<Stack> {
  const env = planEnvironment(servers);
  writePlan(inPlan, servers);
  const addresses = databaseAddresses(servers);
  const processes = processesOf(servers, PLAN_FILE);
  const again = (one: Process, name: string, more: Record<string, string>, port?: number) =>
    new Process({
      ...one.program,
      name,
      env: { ...one.program.env, ...more },
      ...(port && { health: `${local(port)}/health` }),
    });
  const ports = [PORTS.control + 10, PORTS.control + 11] as const;
  const control = (nth: 0 | 1) =>
    again(processes.control, `control-${nth + 1}`, { CONTROL_LISTEN: `127.0.0.1:${ports[nth]}` }, ports[nth]);
  const controls = [control(0), control(1)] as const;
  const proxies = [processes.proxies[0]!, processes.proxies[1]!] as const;
  const { cdc } = processes;
  const fence: Record<string, string> = inPlan.fence ? { STRANGLER_FENCE: 'on' } : {};
  const monolith = again(processes.monolith, 'monolith', fence);
  const notifications = again(processes.notifications, 'notifications', fence);
  const orders = again(processes.orders, 'orders', { RECOVER_AFTER_MS: '3000', ...fence });
  const ending: (() => Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      for (const end of ending.reverse()) await end();
    })();
    return stopped;
  };
  try {
    await cleanSlate(servers);
    if (inPlan.unleash) await dropFlags(servers);
    ending.push(async () => {
      const all = [...proxies, ...controls, cdc, orders, notifications, monolith];
      for (const one of all) one.signal('SIGCONT');
      await Promise.all(all.map((one) => one.kill()));
    });
    await monolith.start();
    await Promise.all([orders.start(), notifications.start()]);
    const shop = await loadShop(addresses.monolith.admin, history);
    await widenLetters(addresses);
    await strangler(['init', '--plan', PLAN_FILE, '--apply', '--create-users'], env);
    ending.push(await announceOrders(servers));
    ending.push(await relay(PORTS.control, ports));
    await Promise.all([cdc.start(), ...controls.map((one) => one.start()), ...proxies.map((one) => one.start())]);
    let given = 0;
    const plan = loadPlan(PLAN_FILE, env);
    const stack: Stack = {
      ...{ monolith, orders, notifications, cdc, proxies, controls, servers, addresses, env, shop, inPlan, stop },
      plan,
      settle: () => settle(stack),
      bases: PORTS.proxies.map(local),
      activeControl: async () => {
        for (const [nth, port] of ports.entries()) if (await isActive(port)) return controls[nth]!;
        throw new Error('no control is active');
      },
      newUsers: (count) => {
        if (given + count > shop.users.length)
          throw new Error('the stack has run out of users; make more in load-shop.ts');
        given += count;
        return shop.users.slice(given - count, given);
      },
    };
    if (!copying) await stack.settle();
    return stack;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function settle(stack: Stack): Promise<void> {
  const { plan } = stack;
  for (const capability of ['notifications', 'orders']) {
    await until(`the backfill of ${capability}`, capability, BACKFILL_WITHIN_MS, ({ backfill, streams }) => {
      const copied = backfill.length > 0 && backfill.every(({ finished }) => finished);
      return copied && streams.every(({ state, lag }) => state === 'running' && lag !== null);
    });
    await verify(plan, capability);
  }
  await surveyHouse(stack);
  await set('notifications', 100);
  await until('everybody’s notifications', 'notifications', MOVED_WITHIN_MS, ({ boundary }) => boundary === 10_000);
}

/** Makes room for a letter of any length, which no table of the example has. */
async function widenLetters({ monolith, notifications }: Stack['addresses']): Promise<void> {
  await inSession(monolith.admin, (session) =>
    session.query('ALTER TABLE notifications MODIFY body MEDIUMTEXT NOT NULL'),
  );
  await inSession(notifications.admin, (session) => session.query('ALTER TABLE notifications ALTER body TYPE text'));
}

/** Takes away what an earlier stack has left on the Unleash server. */
async function dropFlags({ unleash }: Servers): Promise<void> {
  for (const capability of ['notifications', 'orders']) {
    for (const place of ['projects/default/features', 'archive']) {
      const answer = await fetch(`${unleash.url}/api/admin/${place}/${capability}`, {
        ...{ method: 'DELETE', headers: { authorization: unleash.adminToken } },
      });
      if (!answer.ok && answer.status !== 404) throw new Error(`Unleash keeps ${capability}: ${answer.status}`);
    }
  }
}

/** The example’s Plan, with what would only cost time shortened. */
function writePlan({ unleash, fence, ...more }: NonNullable<Prepared['inPlan']>, servers: Servers): void {
  const plan = parse(readFileSync(join(ROOT, 'strangler.yaml'), 'utf8'));
  plan.control.webhook = undefined;
  const { url, clientToken: token, adminToken } = servers.unleash;
  if (unleash) plan.flags = { unleash: { url, token, adminToken } };
  const { orders, notifications } = plan.capabilities;
  if (fence) {
    const addresses = databaseAddresses(servers);
    const application = (of: keyof typeof addresses) => new URL(addresses[of].app).username;
    plan.monolith.database.application = application('monolith');
    orders.service.database.application = application('orders');
    notifications.service.database.application = application('notifications');
  }
  const handoff = { ...orders.handoff, writeFate: WRITE_FATE, slice: SLICE, ...more.handoff };
  Object.assign(orders, more, { handoff });
  notifications.handoff = { writeFate: WRITE_FATE };
  for (const one of [orders, notifications]) one.compare = undefined; // evidence takes reads, and these ramps are short
  for (const one of [orders, notifications]) one.guard = { ...one.guard, verifiedWithin: '24h' };
  mkdirSync(HOME, { recursive: true });
  writeFileSync(PLAN_FILE, stringify(plan));
}
