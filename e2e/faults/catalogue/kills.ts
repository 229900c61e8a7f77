import { setTimeout as sleep } from 'node:timers/promises';
import type { Process } from '../../rehearsal/processes.ts';
import type { Chapter, Fault, Scene } from '../fault.ts';
import { killServer, type Part, stopServer } from '../servers.ts';
import type { Stack } from '../stack.ts';

/** kill -9 of a process of ours, and its start after a moment. */
const killed =
  (which: (stack: Stack) => Process) =>
  async ({ stack, pause }: Scene) => {
    await which(stack).kill();
    await pause(0, 500);
    await which(stack).start();
  };

/** kill -9 of the active control; the standby takes over, then the killed one comes back as the standby. */
async function killControl({ stack, note }: Scene): Promise<void> {
  const victim = await stack.activeControl();
  await victim.kill();
  const begun = Date.now();
  await takenOver(stack);
  note('fail-over', Date.now() - begun);
  await victim.start();
}

const TAKEN_OVER_WITHIN = 30_000;

/** Waits until a control is active. */
export async function takenOver(stack: Stack): Promise<void> {
  for (const until = Date.now() + TAKEN_OVER_WITHIN; ; await sleep(20)) {
    const active = await stack.activeControl().catch(() => undefined); // none yet
    if (active) return;
    if (Date.now() > until) throw new Error('the standby control did not take over');
  }
}

const server = (part: Part) => () => killServer(part);

const at = (chapter: Chapter, name: string, lines: readonly number[], strike: Fault['strike'], more = {}): Fault => ({
  ...{ name: `${name}, ${chapter}`, lines, chapter, strike },
  ...more,
});

/** A service that is away is the judge's business, who may take everybody back. */
const judged = { mayRollBack: true };

/** kill -9 of everything there is, and its start. */
export const kills: readonly Fault[] = [
  at(
    'steady',
    'cdc killed',
    [63],
    killed(({ cdc }) => cdc),
  ),
  at(
    'ramping',
    'cdc killed',
    [54, 63],
    killed(({ cdc }) => cdc),
  ),
  at(
    'rolling back',
    'cdc killed',
    [54, 63],
    killed(({ cdc }) => cdc),
  ),
  at(
    'ramping',
    'proxy killed',
    [54],
    killed(({ proxies }) => proxies[0]),
  ),
  at(
    'rolling back',
    'proxy killed',
    [54],
    killed(({ proxies }) => proxies[0]),
  ),
  at('ramping', 'control killed', [54], killControl),
  at('rolling back', 'control killed', [54], killControl),
  at(
    'ramping',
    'monolith killed',
    [27, 54],
    killed(({ monolith }) => monolith),
    judged,
  ),
  at(
    'steady',
    'orders service killed',
    [27, 54],
    killed(({ orders }) => orders),
    judged,
  ),
  at(
    'ramping',
    'orders service killed',
    [27, 54],
    killed(({ orders }) => orders),
    judged,
  ),
  at(
    'steady',
    'notifications service killed',
    [27],
    killed(({ notifications }) => notifications),
    judged,
  ),
  at('steady', 'MySQL killed', [61], server('mysql'), judged),
  at('ramping', 'MySQL killed', [54, 61], server('mysql'), judged),
  at('steady', 'Postgres killed', [61], server('postgres'), judged),
  at('ramping', 'Postgres killed', [54, 61], server('postgres'), judged),
  at('steady', 'Connect killed', [62], server('connect')),
  at('ramping', 'Connect killed', [54, 62], server('connect')),
  at('steady', 'broker killed', [62], server('kafka')),
  at('ramping', 'broker killed', [54, 62], server('kafka')),
  at('steady', 'broker away for 30 s', [62], async ({ over }) => {
    await stopServer('kafka', 30_000);
    over();
  }),
  at(
    'rolling back',
    'everything killed at once',
    [54, 61, 62, 63],
    async ({ stack, pause }) => {
      const { monolith, orders, notifications, cdc, proxies, controls } = stack;
      const all = [monolith, orders, notifications, cdc, ...proxies, ...controls];
      const servers = (['mysql', 'postgres', 'kafka', 'connect'] as const).map(killServer);
      await Promise.all(all.map((one) => one.kill()));
      await Promise.all(servers);
      await pause(0, 500);
      await Promise.all(all.map((one) => one.start()));
    },
    judged,
  ),
];
