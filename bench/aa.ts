import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMonolith } from '@example/monolith';
import { type Shop, startShop } from '@example/monolith/testing';
import { countsOf, type Noise, noiseIn, RESULT_KINDS, type ResultKind, Tally, UNRATED } from '@strangler/compare';
import { parsePlan } from '@strangler/plan';
import { startProxy } from '@strangler/proxy';
import { servers as readServers } from '@strangler/servers';
import pino from 'pino';
import type { Benchmark, Options } from './benchmark.ts';
import { freePort } from './child.ts';
import { table } from './figures.ts';
import { serveOwnership } from './peers/control.ts';
import { say } from './screen.ts';
import { shopping } from './shadow/shopping.ts';

/** Comparable pairs that are to be seen. */
const PAIRS = 10_000;
const GIVEN_UP_AFTER = 600;
const FOUND_WITHIN_MS = 60_000;

/** What the proxy told of the pairs. */
class Told {
  readonly replies = new Tally();
  readonly noise = new Tally();
  readonly again: string[] = [];

  get pairs(): number {
    return this.replies.routes.reduce((sum, { comparable }) => sum + comparable, 0);
  }
}

/** Two instances of the same monolith on one database, one in the place of the service: whatever differs is a false alarm. */
async function run({ seconds = GIVEN_UP_AFTER, signal }: Options) {
  const { mysql } = await readServers();
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const shop = await startShop(mysql);
    stops.push(shop.stop);
    const twin = await startTwin(shop);
    stops.push(twin.stop);
    const told = new Told();
    const port = await freePort();
    const hear: Parameters<typeof serveOwnership>[3] = (message) => {
      if (message.type !== 'compared') return;
      told.replies.merge(message.comparison.replies);
      told.noise.merge(message.comparison.noise);
      told.again.push(...message.comparison.again);
    };
    stops.push(await serveOwnership(port, 'shop', { boundary: 0, pins: {} }, hear));
    const plan = parsePlan(JSON.stringify(planOf(shop.url, twin.url, port)), {});
    const proxy = await startProxy({ plan, listen: '127.0.0.1:0', log: pino({ level: 'silent' }) });
    stops.push(proxy.stop);
    const load = await shopping(shop, `http://${proxy.address}`);
    stops.push(load.stop);
    const begun = performance.now();
    const past = () => (performance.now() - begun) / 1_000;
    for (let looks = 1; told.pairs < PAIRS && past() < seconds; looks++) {
      await sleep(100);
      signal.throwIfAborted();
      load.check();
      if (looks % 50 === 0) say(`${told.pairs} of ${PAIRS} pairs after ${Math.round(past())} s`);
    }
    const found = findings(told, { ...load.done, seconds: Math.round(past()) });
    await spoiledIsFound(told, twin, load.check, signal);
    await load.stop();
    return found;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Nobody cries wolf who is asleep: a cent off in the twin’s totals must be found. */
async function spoiledIsFound(told: Told, twin: { spoil: () => void }, check: () => void, signal: AbortSignal) {
  const differing = () => told.replies.report().groups.some(({ path }) => path.endsWith('total'));
  twin.spoil();
  for (const until = Date.now() + FOUND_WITHIN_MS; !differing(); await sleep(100)) {
    signal.throwIfAborted();
    check();
    if (Date.now() > until) throw new Error('a cent off in every total of one side was not found');
  }
}

async function startTwin({ databaseUrl, jwtSecret, internalToken }: Shop) {
  const twin = createMonolith({ databaseUrl, jwtSecret, internalToken });
  const { json } = twin.app.response;
  let spoiled = false;
  twin.app.response.json = function (body) {
    return json.call(this, spoiled ? JSON.parse(JSON.stringify(body), aCentMore) : body);
  };
  const server = twin.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    spoil: () => {
      spoiled = true;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await twin.stop();
    },
  };
}

const aCentMore = (name: string, value: unknown) => (name === 'total' ? (Number(value) + 0.01).toFixed(2) : value);

const planOf = (monolith: string, service: string, control: number) => ({
  version: 1,
  name: 'bench',
  monolith: { url: monolith },
  control: { listen: `127.0.0.1:${control}`, tokens: { admin: 'bench-admin', proxy: 'bench-proxy' } },
  capabilities: {
    shop: {
      service: { url: service },
      routes: ['ANY /api/orders', 'ANY /api/orders/**', 'ANY /api/notifications', 'ANY /api/notifications/**'],
      user: [{ jwt: { claim: 'sub', verify: 'none' } }],
      anonymous: 'monolith',
      compare: {
        share: '100%',
        noise: '10%',
        afterWrite: { 'POST /api/orders': ['/api/orders/{id}', '/api/orders'] },
      },
    },
  },
});

function findings({ replies, noise, again }: Told, load: { readonly purchases: number; readonly seconds: number }) {
  const { routes, groups } = replies.report();
  const sum = (kind: ResultKind) => routes.reduce((total, { counts }) => total + counts[kind], 0);
  const counts = Object.fromEntries(RESULT_KINDS.map((kind) => [kind, sum(kind)])) as Record<ResultKind, number>;
  const pairs = counts.equal + counts['equal-by-rule'] + counts.mismatch;
  const percent = (counts.mismatch / pairs) * 100;
  const noisy = noiseIn(noise.report(), again);
  const text = [
    `Two instances of the same monolith on one database, ${load.purchases} purchases in ${load.seconds} s, no rules\n`,
    table([
      ['', 'pairs', 'false mismatches'],
      ...routes.map(({ route, comparable, mismatches }) => [route, comparable, mismatches]),
      ['in all', pairs, counts.mismatch],
    ]),
    `\n  false mismatches: ${percent.toFixed(3)} % (goal: at most 0.1 % of 10,000 pairs or more)`,
    '  a cent off in the totals of one of them, tried at the end: found',
    `  beside the rate: ${countsOf(counts, UNRATED) || 'nothing'}`,
    ...groups.map(({ route, path, kind, pairs: of }) => `  differed: ${route} ${path} (${kind}), in ${of}`),
    `  the monolith against itself: ${noisy.map(sayNoise).join('; ') || 'no difference'}`,
  ].join('\n');
  return { text, figures: { ...load, pairs, counts, percent, routes, groups, noise: noisy.length } };
}

const sayNoise = ({ group: { route, path }, pairs, refused }: Noise): string =>
  `${route} ${path} in ${pairs} pairs (${refused ?? 'a rule is proposed'})`;

export const aa: Benchmark = {
  about: 'A/A: how often comparing cries wolf between two instances of one build, with writes going on (needs MySQL)',
  run,
};
