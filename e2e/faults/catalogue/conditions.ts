import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PORTS } from '../../rehearsal/addresses.ts';
import type { Process } from '../../rehearsal/processes.ts';
import type { Fault, Scene } from '../fault.ts';
import { flaky } from '../flaky.ts';
import { eventually, inSession } from '../holding.ts';
import { atRest, until } from '../operator.ts';
import type { Stack } from '../stack.ts';

const SKEW_MS = 5_000;
const PRELOAD = pathToFileURL(join(import.meta.dirname, '..', 'skew.mjs')).href;

/** Starts a process again with a wrong clock, five seconds early or late, and after a while with the right one. */
const skewed = (which: (stack: Stack) => Process) => async (scene: Scene) => {
  const { stack, chance, pause, note } = scene;
  const skew = chance.happens(0.5) ? SKEW_MS : -SKEW_MS;
  note('skew', `${skew / 1_000} s`);
  const one = which(stack);
  await one.stop();
  await one.start({ NODE_OPTIONS: `--import ${PRELOAD}`, CLOCK_SKEW: String(skew) });
  await pause(5_000, 7_000);
  await one.stop();
  await one.start();
};

const MOVED_WITHIN_MS = 120_000;
const EVERY_MS = 1_000;

/** One request to the monolith in a thousand is never answered, until the ramp is complete. */
async function timeouts({ stack, chance, note }: Scene): Promise<void> {
  const port = PORTS.monolith + 10;
  const upstream = await flaky(port, PORTS.monolith, EVERY_MS, chance.below(EVERY_MS / 4));
  const env = { MONOLITH_URL: `http://127.0.0.1:${port}` };
  const again = async (more: Record<string, string>) => {
    for (const proxy of stack.proxies) {
      await proxy.stop();
      await proxy.start(more);
    }
  };
  await again(env);
  await until(
    'the end of the ramp',
    'orders',
    MOVED_WITHIN_MS,
    (status) => atRest(status) && status.boundary === 5_000,
  );
  await again({});
  note('requests never answered', String(await upstream.stop()));
}

const FAILED_WITHIN_MS = 60_000;

/** The capture may not log in when its task is started: that fails, and nobody restarts it but us. */
async function taskFailed({ stack, over }: Scene): Promise<void> {
  const connector = `${stack.servers.connect.url}/connectors/strangler-shop-monolith`;
  const stateOf = async () => (await fetch(`${connector}/status`)).text();
  await inSession(stack.addresses.monolith.admin, async (session) => {
    await session.query("ALTER USER shop_capture@'%' ACCOUNT LOCK");
    try {
      await fetch(`${connector}/restart?includeTasks=true`, { method: 'POST' });
      await eventually('a FAILED task', FAILED_WITHIN_MS, async () => (await stateOf()).includes('"FAILED"'));
    } finally {
      await session.query("ALTER USER shop_capture@'%' ACCOUNT UNLOCK");
    }
    over();
    await eventually('the task running again', FAILED_WITHIN_MS, async () => !(await stateOf()).includes('"FAILED"'));
  });
}

/** Things around us that are not as they should be. */
export const conditions: readonly Fault[] = [
  {
    name: 'clock of control wrong by 5 s',
    lines: [56],
    chapter: 'ramping',
    strike: skewed(({ controls }) => controls[0]),
  },
  { name: 'clock of cdc wrong by 5 s', lines: [56], chapter: 'ramping', strike: skewed(({ cdc }) => cdc) },
  {
    name: 'clock of a proxy wrong by 5 s',
    lines: [56],
    chapter: 'ramping',
    strike: skewed(({ proxies }) => proxies[0]),
  },
  {
    name: 'one request in a thousand never answered, at 500 purchases/s',
    lines: [27],
    chapter: 'ramping',
    strike: timeouts,
    rate: 500,
  },
  { name: 'connector task FAILED', lines: [62], chapter: 'steady', strike: taskFailed },
];
