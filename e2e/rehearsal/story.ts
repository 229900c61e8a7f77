import { type Compared, comparedSoFar, tryWrongBuild, type WrongBuild } from './comparing.ts';
import { suspectIn } from './expecting.ts';
import { type Process, strangler } from './processes.ts';
import type { StepBook } from './steps.ts';
import { surveyFirst } from './survey-first.ts';
import type { LiveTraffic } from './traffic.ts';
import { readStatus, waitForStatus } from './watch.ts';
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
  /** Share of the purchases made, 0…1, when everybody was on the service for the last time. */
  readonly completeAt: number;
  /** Rows that were overwritten, superseded or applied late, and not by design, before anything was killed. */
  readonly suspect: number;
};

const RECOVER_WITHIN_MS = 30_000;

/**
 * What the operator does: a survey while the first customers buy, notifications up, orders to a tenth, where a wrong build of the service is kept from getting
 * more, orders up to half, the orders service dies and is started again, orders to all, everybody back, and up once
 * more. Each chapter opens its share of the purchases, so customers buy during every one, and the last share waits until
 * everybody is on the service.
 */
export async function runStory(
  book: StepBook,
  traffic: LiveTraffic,
  orders: Process,
  webhook: Webhook,
  env: Record<string, string>,
): Promise<Told> {
  const take = (
    name: string,
    capability: string,
    upTo: number,
    command: () => Promise<void>,
    then = async () => {},
  ) => {
    traffic.open(upTo);
    return book.take(name, capability, command, async () => {
      await then();
      await traffic.reached(upTo);
    });
  };
  const command =
    (...args: string[]) =>
    async (): Promise<void> => {
      await strangler([...args, '--reason', 'rehearsal'], env);
    };
  const set = (capability: string, percent: number, upTo: number) =>
    take(`${capability} to ${percent} %`, capability, upTo, command('set', capability, String(percent)));
  await surveyFirst(traffic, 0.02, env);
  await set('notifications', 10, 0.04);
  await set('notifications', 25, 0.06);
  await set('notifications', 50, 0.08);
  await set('notifications', 100, 0.12);
  await set('orders', 10, 0.15);
  const before = await comparedSoFar();
  let wrongBuild: WrongBuild | undefined;
  traffic.open(0.25);
  await book.take(
    'a wrong build of the service',
    'orders',
    async () => {
      wrongBuild = await Promise.race([tryWrongBuild(orders, env, 25), traffic.failed]);
    },
    async () => {}, // once it is fixed, those who were wanted move on, which is the next chapter
  );
  await set('orders', 25, 0.3);
  await set('orders', 50, 0.38);

  const suspect = (await readStatus()).capabilities.reduce((sum, one) => sum + suspectIn(one), 0);
  let kill: Kill | undefined;
  await take(
    'the orders service dies',
    'orders',
    0.46,
    async () => {
      kill = await killUnderLoad(traffic, orders, webhook);
    },
    () => orders.start(),
  );
  await set('orders', 50, 0.54);
  await set('orders', 75, 0.6);
  await set('orders', 100, 0.68);
  await take('rollback', 'orders', 0.76, command('rollback', 'orders'));
  let completeAt = 0;
  await take('orders to 100 % again', 'orders', 0.84, command('set', 'orders', '100'), async () => {
    completeAt = traffic.share();
    traffic.open(1);
    await traffic.done;
  });
  return { kill: kill!, wrongBuild: wrongBuild!, compared: [before, await comparedSoFar()], completeAt, suspect };
}

async function killUnderLoad(traffic: LiveTraffic, orders: Process, webhook: Webhook): Promise<Kill> {
  const heardBefore = rollbacksIn(webhook).length;
  const killed = Date.now();
  await orders.kill();
  const everybodyBack = await waitForStatus(
    'the judge to bring everybody back',
    RECOVER_WITHIN_MS,
    ({ capabilities }) =>
      capabilities.some(
        ({ capability, boundary, phase }) => capability === 'orders' && boundary === 0 && phase === 'idle',
      ),
  ).then(() => Date.now());
  await waitForWebhook(webhook, heardBefore);
  const failures = traffic.tally.retryTimes.filter((at) => at >= killed && at <= everybodyBack);
  return {
    backAfterTenthFailure: Math.max(0, everybodyBack - (failures[9] ?? everybodyBack)),
    failedRequests: failures.length,
    webhook: rollbacksIn(webhook).at(-1),
  };
}

/** What the webhook has heard, without alarms: rows that were written late have one of their own. */
const rollbacksIn = ({ heard }: Webhook): unknown[] =>
  heard.map(({ body }) => body).filter((body) => (body as { event?: string }).event !== 'alert');

async function waitForWebhook(webhook: Webhook, before: number): Promise<void> {
  await waitForStatus(
    'the webhook to hear of the rollback',
    RECOVER_WITHIN_MS,
    () => rollbacksIn(webhook).length > before,
  );
}
