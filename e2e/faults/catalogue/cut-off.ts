import { setTimeout as sleep } from 'node:timers/promises';
import { type BlackHole, startBlackHole } from '../../../ledger/testing/black-hole.ts';
import { databaseAddresses, PORTS } from '../../rehearsal/addresses.ts';
import { type Process, strangler } from '../../rehearsal/processes.ts';
import type { Chapter, Fault, Scene } from '../fault.ts';
import { eventually } from '../holding.ts';
import { look, rollback, until } from '../operator.ts';
import { isActive } from '../relay.ts';
import { PLAN_FILE, type Stack } from '../stack.ts';
import { takenOver } from './kills.ts';

/* Packets vanish: nobody is told that a connection has ended. */

const MISSED_WITHIN_MS = 30_000;
const BACK_WITHIN_MS = 60_000;
const HEALS_AFTER_MS = 60_000;
/** Longer than writeFate, and than everything that used to be forgotten: nobody may have moved by then. */
const WATCHED_MS = 10_000;

/** Starts the first proxy again behind a way to control that can be cut. */
async function proxyOnAWay({ proxies }: Stack): Promise<BlackHole> {
  const way = await startBlackHole('127.0.0.1', PORTS.control);
  await proxies[0].stop();
  await proxies[0].start({ CONTROL_LISTEN: `127.0.0.1:${way.port}` });
  return way;
}

/** Cuts the first proxy off while it goes on serving; resolves when control misses it. */
async function cut(way: BlackHole, { proxies }: Stack): Promise<string> {
  const { name } = proxies[0].program;
  way.swallow();
  await until('the missing proxy in a gate', 'orders', MISSED_WITHIN_MS, ({ gates }) =>
    gates.some((gate) => gate.includes(`proxy ${name} has had no link`)),
  );
  return name;
}

/** Throws if anybody is moved within a while. */
async function nobodyMoves(): Promise<void> {
  const before = await until('a handoff to end', 'orders', MISSED_WITHIN_MS, ({ phase }) => phase === 'idle');
  for (const end = Date.now() + WATCHED_MS; Date.now() < end; await sleep(100)) {
    const now = await look('orders');
    if (now && now.boundary !== before.boundary)
      throw new Error(`users moved from ${before.boundary} to ${now.boundary} while a proxy was lost`);
  }
}

/** A live proxy loses control in an orderly move, which waits; then it is back, or an operator has ended it. */
const orderly = (heals: boolean) => async (scene: Scene) => {
  const { stack, over } = scene;
  const way = await proxyOnAWay(stack);
  try {
    const name = await cut(way, stack);
    await nobodyMoves();
    if (heals) {
      await sleep(HEALS_AFTER_MS - WATCHED_MS);
      way.open();
    } else {
      await stack.proxies[0].kill();
      await strangler(['proxies', 'dismiss', name, '--plan', PLAN_FILE, '--reason', 'fault suite'], stack.env);
    }
    over();
    await until(
      'no missing proxy',
      'orders',
      BACK_WITHIN_MS,
      ({ gates }) => !gates.some((gate) => gate.includes(name)),
    );
  } finally {
    await stack.proxies[0].stop();
    await way.stop();
    await stack.proxies[0].start();
  }
};

/** A live proxy loses control, everybody is taken back at once, and it goes on sending to the service. */
async function urgent(scene: Scene): Promise<void> {
  const { stack, over, pause } = scene;
  const way = await proxyOnAWay(stack);
  try {
    const name = await cut(way, stack);
    await rollback('orders', true);
    await until(
      'everybody back',
      'orders',
      BACK_WITHIN_MS,
      ({ boundary, phase }) => boundary === 0 && phase === 'idle',
    );
    const { gates } = (await look('orders'))!;
    if (!gates.some((gate) => gate.includes(name))) throw new Error(`no gate names ${name}: ${gates.join('; ')}`);
    await pause(3_000, 6_000);
    way.open();
    over();
    await until(
      'no missing proxy',
      'orders',
      BACK_WITHIN_MS,
      (status) => !status.gates.some((gate) => gate.includes(name)),
    );
  } finally {
    await stack.proxies[0].stop();
    await way.stop();
    await stack.proxies[0].start();
  }
}

/** Starts both controls again behind ways to MySQL that can be cut; gives them, and what puts the plugs back in. */
async function controlsOnWays(stack: Stack) {
  const url = new URL(databaseAddresses(stack.servers).monolith.control);
  const ways = await Promise.all([0, 1].map(() => startBlackHole(url.hostname, Number(url.port))));
  for (const [nth, control] of stack.controls.entries()) {
    await control.stop();
    url.port = String(ways[nth]!.port);
    await control.start({ MONOLITH_DATABASE_CONTROL: url.href });
  }
  await takenOver(stack);
  const restore = async () => {
    for (const control of stack.controls) {
      await control.stop();
      await control.start();
    }
    await Promise.all(ways.map((way) => way.stop()));
  };
  return { ways, restore };
}

const portOf = (stack: Stack, control: Process): number => PORTS.control + 10 + stack.controls.indexOf(control);

/** Waits until a control that was active says of itself that it is not any more. */
const stepsDown = (stack: Stack, control: Process) =>
  eventually('the end of its activity', MISSED_WITHIN_MS, async () => !(await isActive(portOf(stack, control))));

/** The active control cannot reach MySQL any more: it stops deciding, and the other one goes on. */
async function controlFromMySql(scene: Scene): Promise<void> {
  const { stack, over, pause, note } = scene;
  const { ways, restore } = await controlsOnWays(stack);
  try {
    const active = await stack.activeControl();
    const way = ways[stack.controls.indexOf(active)]!;
    const begun = Date.now();
    way.swallow();
    await stepsDown(stack, active);
    await takenOver(stack);
    note('fail-over', Date.now() - begun);
    await pause(2_000, 4_000);
    way.open();
    over();
  } finally {
    await restore();
  }
}

/** No control reaches MySQL: nobody decides, everybody stays where they are, and it goes on when MySQL answers again. */
async function mysqlBlackHole(scene: Scene): Promise<void> {
  const { stack, over, pause } = scene;
  const { ways, restore } = await controlsOnWays(stack);
  try {
    const active = await stack.activeControl();
    for (const way of ways) way.swallow();
    await stepsDown(stack, active);
    await pause(10_000, 15_000);
    for (const way of ways) way.open();
    over();
    await takenOver(stack);
  } finally {
    await restore();
  }
}

/** Every proxy loses the active control, and perhaps it loses MySQL as well; users are served all the while. */
const controlFromProxies = (fromMySql: boolean) => async (scene: Scene) => {
  const { stack, over, pause } = scene;
  const way = await startBlackHole('127.0.0.1', PORTS.control);
  const controls = fromMySql ? await controlsOnWays(stack) : undefined;
  try {
    for (const proxy of stack.proxies) {
      await proxy.stop();
      await proxy.start({ CONTROL_LISTEN: `127.0.0.1:${way.port}` });
    }
    way.swallow();
    for (const one of controls?.ways ?? []) one.swallow();
    await pause(8_000, 12_000);
    for (const one of controls?.ways ?? []) one.open();
    way.open();
    over();
    await takenOver(stack);
  } finally {
    await controls?.restore();
    for (const proxy of stack.proxies) {
      await proxy.stop();
      await proxy.start();
    }
    await way.stop();
  }
};

/** The active control is stopped like a paused machine; another takes over; then the old one goes on where it was. */
async function thawed({ stack, over, pause }: Scene): Promise<void> {
  const frozen = await stack.activeControl();
  frozen.signal('SIGSTOP');
  try {
    await takenOver(stack);
    await pause(1_000, 3_000);
  } finally {
    frozen.signal('SIGCONT');
  }
  over();
  await stepsDown(stack, frozen);
}

const at = (chapter: Chapter, name: string, lines: readonly number[], strike: Fault['strike'], more = {}): Fault => ({
  ...{ name: `${name}, ${chapter}`, lines, chapter, strike },
  ...more,
});

/** What the lost proxy has told its users is done may be missing to them until it is back. */
const behind = { mayRollBack: true, behind: true };

/** Proxies and controls that live and cannot reach each other, or their database. */
export const cutOff: readonly Fault[] = [
  ...(['ramping', 'rolling back'] as const).flatMap((chapter) => [
    at(chapter, 'live proxy cut off for ever, dismissed', [79], orderly(false)),
    at(chapter, 'live proxy cut off for 60 s', [79], orderly(true)),
  ]),
  at('steady', 'live proxy cut off in an urgent rollback', [79], urgent, behind),
  at('steady', 'live proxy cut off in an urgent rollback, with the fence', [79], urgent, {
    ...{ mayRollBack: true, inPlan: { fence: true } },
  }),
  at('ramping', 'control cut off from MySQL', [80, 81], controlFromMySql),
  at('rolling back', 'control cut off from MySQL', [80, 81], controlFromMySql),
  at('ramping', 'MySQL black-holed for every control', [81], mysqlBlackHole),
  at('ramping', 'control cut off from the proxies', [79, 80], controlFromProxies(false)),
  at('ramping', 'control cut off from MySQL and the proxies', [79, 80, 81], controlFromProxies(true)),
  at('ramping', 'old control thawed after SIGSTOP', [80], thawed),
  at('rolling back', 'old control thawed after SIGSTOP', [80], thawed),
];
