import { setTimeout as sleep } from 'node:timers/promises';
import type { Process } from '../../rehearsal/processes.ts';
import { killServer, type Part, stopServer } from '../../servers.ts';
import type { Chapter, Fault, Scene } from '../fault.ts';
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

const TAKEN_OVER_WITHIN_MS = 30_000;

/** Waits until a control is active. */
export async function takenOver(stack: Stack): Promise<void> {
  for (const until = Date.now() + TAKEN_OVER_WITHIN_MS; ; await sleep(20)) {
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
/** By force, if its database is what is away: what it had told comes over when that is back. */
const forced = { ...judged, behind: true };

const cdc = killed((stack) => stack.cdc);
const proxy = killed(({ proxies }) => proxies[0]);
const monolith = killed((stack) => stack.monolith);
const orders = killed((stack) => stack.orders);
const notifications = killed((stack) => stack.notifications);

const AWAY_MS = 60_000;

async function brokerAway({ over }: Scene): Promise<void> {
  await stopServer('kafka', AWAY_MS);
  over();
}

async function everything({ stack, pause }: Scene): Promise<void> {
  const all = [stack.monolith, stack.orders, stack.notifications, stack.cdc, ...stack.proxies, ...stack.controls];
  const servers = (['mysql', 'postgres', 'kafka', 'connect'] as const).map(killServer);
  await Promise.all(all.map((one) => one.kill()));
  await Promise.all(servers);
  await pause(0, 500);
  await Promise.all(all.map((one) => one.start()));
}

/** kill -9 of everything there is, and its start. */
export const kills: readonly Fault[] = [
  at('steady', 'cdc killed', [63], cdc),
  at('everybody moved', 'cdc killed', [63], cdc),
  at('ramping', 'cdc killed', [54, 63], cdc),
  at('rolling back', 'cdc killed', [54, 63], cdc),
  at('ramping', 'proxy killed', [54], proxy),
  at('rolling back', 'proxy killed', [54], proxy),
  at('ramping', 'control killed', [54], killControl),
  at('rolling back', 'control killed', [54], killControl),
  at('ramping', 'monolith killed', [27, 54], monolith, judged),
  at('steady', 'orders service killed', [27, 54], orders, judged),
  at('ramping', 'orders service killed', [27, 54], orders, judged),
  at('steady', 'notifications service killed', [27], notifications, judged),
  at('steady', 'MySQL killed', [61], server('mysql'), judged),
  at('ramping', 'MySQL killed', [54, 61], server('mysql'), judged),
  at('steady', 'Postgres killed', [61], server('postgres'), forced),
  at('ramping', 'Postgres killed', [54, 61], server('postgres'), forced),
  at('everybody moved', 'Postgres killed', [61], server('postgres'), forced),
  at('nobody moved', 'Connect killed', [62], server('connect')),
  at('steady', 'Connect killed', [62], server('connect')),
  at('ramping', 'Connect killed', [54, 62], server('connect')),
  at('steady', 'broker killed', [62], server('kafka')),
  at('ramping', 'broker killed', [54, 62], server('kafka')),
  at('steady', 'broker away for 60 s', [62], brokerAway),
  at('rolling back', 'everything killed at once', [54, 61, 62, 63], everything, forced),
];
