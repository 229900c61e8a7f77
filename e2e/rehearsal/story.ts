import { type Compared, comparedSoFar, tryWrongBuild, type WrongBuild } from './comparing.ts';
import { type Process, strangler } from './processes.ts';
import type { StepBook } from './steps.ts';
import type { Traffic } from './traffic.ts';
import { waitForStatus } from './watch.ts';
import type { Webhook } from './webhook.ts';

/** How the service’s death went. */
export type Kill = {
  /** Milliseconds from the tenth failed request, as the customers saw it, to the boundary at 0. */
  readonly backAfterTenthFailure: number;
  readonly failedRequests: number;
  readonly webhook: unknown;
};

/** What the story tells beside its steps. */
export type Told = {
  readonly kill: Kill;
  readonly wrongBuild: WrongBuild;
  /** Before the wrong build, and from its repair to the end. */
  readonly compared: readonly Compared[];
};

const RECOVER_WITHIN = 30_000;

/**
 * What the operator does, driven by the share of purchases replayed: notifications up, orders to a tenth, where a wrong
 * build of the service is kept from getting more, orders up to half, the orders service dies and is started again,
 * orders to all, everybody back, and up once more.
 */
export async function runStory(
  book: StepBook,
  traffic: Traffic,
  orders: Process,
  webhook: Webhook,
  env: Record<string, string>,
  keeping: {
    readonly breaking: () => void;
    readonly killing: () => void;
    readonly complete: (share: number) => void;
  },
): Promise<Told> {
  const until = (share: number) => () => traffic.reached(share);
  const set = (capability: string, percent: number, upTo: number) =>
    book.take(
      `${capability} to ${percent} %`,
      capability,
      async () => void (await strangler(['set', capability, String(percent), '--reason', 'rehearsal'], env)),
      until(upTo),
    );
  await traffic.reached(0.02);
  await set('notifications', 10, 0.04);
  await set('notifications', 25, 0.06);
  await set('notifications', 50, 0.08);
  await set('notifications', 100, 0.12);
  await set('orders', 10, 0.15);
  const before = await comparedSoFar();
  let wrongBuild: WrongBuild | undefined;
  await book.take(
    'a wrong build of the service',
    'orders',
    async () => {
      keeping.breaking();
      wrongBuild = await Promise.race([tryWrongBuild(orders, env, 25), traffic.failed]);
    },
    async () => {},
  );
  await set('orders', 25, 0.22);
  await set('orders', 50, 0.3);

  let kill: Kill | undefined;
  await book.take(
    'the orders service dies',
    'orders',
    async () => {
      keeping.killing();
      kill = await killUnderLoad(traffic, orders, webhook);
    },
    async () => {
      await orders.start();
      await traffic.reached(0.34);
    },
  );
  await set('orders', 50, 0.46);
  await set('orders', 75, 0.52);
  await set('orders', 100, 0.58);
  await book.take(
    'rollback',
    'orders',
    async () => void (await strangler(['rollback', 'orders', '--reason', 'rehearsal'], env)),
    until(0.68),
  );
  await book.take(
    'orders to 100 % again',
    'orders',
    async () => {
      await strangler(['set', 'orders', '100', '--reason', 'rehearsal'], env);
      keeping.complete(traffic.share());
    },
    until(1),
  );
  return { kill: kill!, wrongBuild: wrongBuild!, compared: [before, await comparedSoFar()] };
}

async function killUnderLoad(traffic: Traffic, orders: Process, webhook: Webhook): Promise<Kill> {
  const heardBefore = webhook.heard.length;
  const killed = Date.now();
  await orders.kill();
  const everybodyBack = await waitForStatus('the judge to bring everybody back', RECOVER_WITHIN, ({ capabilities }) =>
    capabilities.some(
      ({ capability, boundary, phase }) => capability === 'orders' && boundary === 0 && phase === 'idle',
    ),
  ).then(() => Date.now());
  await waitForWebhook(webhook, heardBefore);
  const failures = traffic.tally.retryTimes.filter((at) => at >= killed && at <= everybodyBack);
  return {
    backAfterTenthFailure: Math.max(0, everybodyBack - (failures[9] ?? everybodyBack)),
    failedRequests: failures.length,
    webhook: webhook.heard.at(-1)?.body,
  };
}

async function waitForWebhook(webhook: Webhook, before: number): Promise<void> {
  await waitForStatus('the webhook to hear of the rollback', RECOVER_WITHIN, () => webhook.heard.length > before);
}
