import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bucketOf } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { Unleash } from 'unleash-client';
import type { FlagStore } from './store.ts';
import { openUnleash } from './unleash-store.ts';

/** What the admin API answers, as far as these tests look. */
type Answer = { id: string; environments: { name: string; enabled: boolean }[] } & Answer[];
type Way = 'through' | 'away' | '401' | 'garbage' | 'silent';
let real: { url: string; adminToken: string; clientToken: string };
let door: Server;
let way: Way;
let capability: string;
let problems: string[];
let flags: FlagStore | undefined;

/** A door of our own before the real server: it can be shut, and what comes through it can be spoilt. */
function pass(incoming: IncomingMessage, answer: ServerResponse): void {
  if (way === 'away') return void incoming.socket.destroy();
  if (way === 'silent') return;
  if (way === '401') return void answer.writeHead(401).end('{}');
  if (way === 'garbage') return void answer.writeHead(200, { 'content-type': 'application/json' }).end('<html>');
  const { host: _, ...headers } = incoming.headers;
  const onward = request(real.url + incoming.url, { method: incoming.method!, headers, agent: false }, (response) => {
    answer.writeHead(response.statusCode!, response.headers);
    response.pipe(answer);
  });
  onward.on('error', (error) => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end(error.message)));
  incoming.pipe(onward);
}

async function admin(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${real.url}/api/admin${path}`, {
    method,
    headers: { authorization: real.adminToken, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined) as Answer;
}
const strategies = () => `/projects/default/features/${capability}/environments/development/strategies`;
const setRollout = async (rollout: string) => {
  const [strategy] = await admin('GET', strategies());
  await admin('PATCH', `${strategies()}/${strategy?.id}`, [
    { op: 'replace', path: '/parameters/rollout', value: rollout },
  ]);
};

/** Opens the flags, and makes the flag of the test if that is not what the test is about. */
const open = async (make = true) => {
  const opened = await openUnleash(
    {
      url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
      token: real.clientToken,
      adminToken: real.adminToken,
      environment: 'development',
      project: 'default',
    },
    new Map([[capability, 'shop']]),
    (problem) => problems.push(problem),
  );
  if (make && way === 'through') await opened.create(capability, 0, 'a test');
  return opened;
};
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(10);
}
const untilRead = (percentage: number) => until(() => flags?.read(capability)?.percentage === percentage);
const untilTold = (what: RegExp) => until(() => problems.some((problem) => what.test(problem)));

beforeAll(async () => {
  real = (await servers()).unleash;
});
beforeEach(async () => {
  way = 'through';
  problems = [];
  capability = `flags-${randomUUID().slice(0, 8)}`;
  door = createServer(pass).listen(0, '127.0.0.1');
  await new Promise((resolve) => door.once('listening', resolve));
});
afterEach(async () => {
  await flags?.stop();
  flags = undefined;
  door.closeAllConnections();
  await new Promise((resolve) => door.close(resolve));
  // Archived only: Unleash 8.2 still writes about what has just been archived, and dies if it is deleted by then.
  await admin('DELETE', `/projects/default/features/${capability}`).catch(() => undefined);
});

describe('flags on a real Unleash', () => {
  test.each<[Way, RegExp]>([
    ['away', /cannot be read/],
    ['401', /cannot be read.*401/],
    ['garbage', /cannot be read/],
    ['silent', /cannot be read/],
  ])(
    'faults 44: a server that is %s keeps the last value, which ages, and is heard again when it is back',
    async (bad, told) => {
      flags = await open();
      await flags.write(capability, 40, 'a step');
      way = bad;
      door.closeAllConnections();
      await untilTold(told);
      await until(() => flags!.read(capability)!.age > 2_000);
      expect(flags.read(capability)?.percentage).toBe(40);
      await expect(flags.write(capability, 0, 'back')).rejects.toThrow(/Unleash/);
      expect(flags.read(capability)?.percentage).toBe(40);
      await setRollout('45');
      way = 'through';
      await untilRead(45);
      await until(() => flags!.read(capability)!.age < 2_000);
    },
  );

  test.each<[Way]>([['away'], ['silent']])('faults 43: a server that is %s at start holds nobody up', async (bad) => {
    way = bad;
    flags = await open();
    expect(flags.read(capability)).toBeUndefined();
    await untilTold(/cannot be read/);
    way = 'through';
    door.closeAllConnections();
    await flags.create(capability, 10, 'a test');
    await untilRead(10);
  });

  test('a feature that is missing is made only when asked for, and one that exists is left as it is', async () => {
    flags = await open(false);
    expect(flags.read(capability)).toBeUndefined();
    await flags.create(capability, 0, 'a test');
    expect(flags.read(capability)?.percentage).toBe(0);
    const [strategy] = await admin('GET', strategies());
    expect(strategy).toMatchObject({
      name: 'flexibleRollout',
      parameters: { rollout: '0', stickiness: 'userId', groupId: 'shop' },
    });
    await setRollout('25');
    await flags.stop();
    flags = await open(false);
    await untilRead(25);
    await flags.create(capability, 0, 'not needed');
    expect(await admin('GET', strategies())).toHaveLength(1);
    expect(flags.read(capability)?.percentage).toBe(25);
  });

  test('what somebody changes in Unleash is read, and switched off is 0 %', async () => {
    flags = await open();
    await setRollout('50');
    await untilRead(50);
    await admin('POST', `/projects/default/features/${capability}/environments/development/off`);
    await untilRead(0);
  });

  test('what we write is what every Unleash client splits by', async () => {
    flags = await open();
    await flags.write(capability, 30, 'a step');
    expect(flags.read(capability)?.percentage).toBe(30);
    const [strategy] = await admin('GET', strategies());
    expect(strategy).toMatchObject({ title: '30 %: a step', parameters: { rollout: '30' } });
    const other = new Unleash({
      appName: 'somebody-else',
      url: `${real.url}/api`,
      customHeaders: { Authorization: real.clientToken },
      refreshInterval: 200,
      disableMetrics: true,
    });
    await until(() => other.getFeatureToggleDefinition(capability)?.strategies?.[0]?.parameters?.rollout === '30');
    for (let user = 1; user <= 1_000; user++) {
      expect(other.isEnabled(capability, { userId: `${user}` })).toBe(bucketOf('shop', `${user}`) < 3_000);
    }
    other.destroy();
  });

  test('a write after the switch was off enables it again', async () => {
    flags = await open();
    await admin('POST', `/projects/default/features/${capability}/environments/development/off`);
    await flags.write(capability, 10, 'on again');
    const { environments } = await admin('GET', `/projects/default/features/${capability}`);
    expect(environments.find(({ name }) => name === 'development')?.enabled).toBe(true);
  });

  test('F1: a flag that depends on another is refused by name, and a rollback switches it off', async () => {
    flags = await open();
    await flags.write(capability, 20, 'a step');
    const parent = `${capability}-parent`;
    await admin('POST', '/projects/default/features', { name: parent, type: 'release' });
    try {
      await admin('POST', `/projects/default/features/${capability}/dependencies`, { feature: parent });
      await untilTold(new RegExp(`depends on "${parent}"`));
      expect(flags.read(capability)?.percentage).toBe(20);
      await expect(flags.write(capability, 50, 'a step')).rejects.toThrow(/depends on/);
      await flags.write(capability, 0, 'back');
      const { environments } = await admin('GET', `/projects/default/features/${capability}`);
      expect(environments.find(({ name }) => name === 'development')?.enabled).toBe(false);
      await until(() => flags!.read(capability)!.percentage === 0 && flags!.read(capability)!.age < 1_000);
    } finally {
      await admin('DELETE', `/projects/default/features/${capability}/dependencies`);
      await admin('DELETE', `/projects/default/features/${parent}`);
    }
  });

  test('another stickiness than ours, set by a person, chooses other users: refused until we write again', async () => {
    flags = await open();
    await flags.write(capability, 20, 'a step');
    const [strategy] = await admin('GET', strategies());
    const other = { op: 'replace', path: '/parameters/stickiness', value: 'sessionId' };
    await admin('PATCH', `${strategies()}/${strategy?.id}`, [other]);
    await untilTold(/has stickiness "sessionId" and groupId "shop", which choose other users/);
    expect(flags.read(capability)?.percentage).toBe(20);
    await flags.write(capability, 25, 'a step');
    await until(() => flags!.read(capability)!.percentage === 25 && flags!.read(capability)!.age < 1_000);
  });

  test('faults 44: nonsense that Unleash accepts keeps the last good value', async () => {
    flags = await open();
    await flags.write(capability, 20, 'a step');
    await setRollout('150');
    await untilTold(/rollout of "150"/);
    expect(flags.read(capability)?.percentage).toBe(20);
    const parameters = { rollout: '10', stickiness: 'userId', groupId: 'shop' };
    await admin('POST', strategies(), { name: 'flexibleRollout', parameters, constraints: [] });
    await setRollout('20');
    await untilTold(/strategies of different rollout/);
    await flags.write(capability, 5, 'both');
    await until(() => flags!.read(capability)!.percentage === 5 && flags!.read(capability)!.age < 1_000);
  });
});
