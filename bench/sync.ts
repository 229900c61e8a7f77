import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Direction } from '@strangler/plan';
import { servers as readServers } from '@strangler/servers';
import { tryLock } from '../deploy/local/lock.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { median, ratio, rounded, table } from './figures.ts';
import { say } from './screen.ts';
import { startWorker } from './sync/connect-worker.ts';
import { createDatabases, dropEverything, PREFIX } from './sync/databases.ts';
import { startForwardPeer, startReversePeer } from './sync/jdbc-sink.ts';
import { type Burst, burst, Ids, type Pipeline, type Steady, steady, validate } from './sync/measure.ts';
import { startOurs } from './sync/ours.ts';

const ROWS = 50_000;
const SIZE = 500;
const PER_SECOND = 200;

const SAY: Record<Direction, string> = { forward: 'MySQL to Postgres', reverse: 'Postgres to MySQL' };
type Setting = { readonly seconds: number; readonly rounds: number };
type Measured = {
  readonly direction: Direction;
  readonly name: string;
  readonly bursts: Burst[];
  readonly steadies: Steady[];
};

/** Measures the pipelines of one direction in turn, after each has shown that it does the work. */
async function measure(
  direction: Direction,
  pipelines: readonly Pipeline[],
  { seconds, rounds, signal }: Setting & { readonly signal: AbortSignal },
): Promise<Measured[]> {
  const contenders = pipelines.map((pipeline) => ({ pipeline, ids: new Ids(pipeline.source) }));
  for (const { pipeline, ids } of contenders) await validate(pipeline, ids, signal);
  say(`${SAY[direction]}: each carries inserts, updates and deletes; warming up`);
  for (const { pipeline, ids } of contenders) await burst(pipeline, ids, { rows: ROWS / 5, size: SIZE, signal });
  const measured = contenders.map(
    ({ pipeline }): Measured => ({ direction, name: pipeline.name, bursts: [], steadies: [] }),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const [nth, { pipeline, ids }] of contenders.entries()) {
      const one = await burst(pipeline, ids, { rows: ROWS, size: SIZE, signal });
      measured[nth]!.bursts.push(one);
      say(`${SAY[direction]}, round ${round} of ${rounds}: ${pipeline.name} ${rounded(one.rowsPerSecond)} rows/s`);
    }
    for (const [nth, { pipeline, ids }] of contenders.entries()) {
      const one = await steady(pipeline, ids, { perSecond: PER_SECOND, seconds, signal });
      measured[nth]!.steadies.push(one);
      say(
        `${SAY[direction]}, round ${round} of ${rounds}: ${pipeline.name} p50 ${rounded(one.p50)} ms, p99 ${rounded(one.p99)} ms`,
      );
    }
  }
  return measured;
}

async function run({ seconds = 20, rounds = 2, signal }: Options) {
  const servers = await readServers();
  const lock = await tryLock('bench sync', String(process.pid));
  if (!lock) throw new Error('another sync benchmark is running on this machine; wait for it to end');
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    await dropEverything(servers);
    await createDatabases(servers);
    const worker = await startWorker(servers, PREFIX, folder, signal);
    stops.push(worker.stop);
    const ours = await startOurs(servers, worker.url, folder, signal);
    stops.push(ours.stop);
    const peers = {
      forward: await startForwardPeer(servers, worker),
      reverse: await startReversePeer(servers, worker),
    };
    const options = { seconds, rounds, signal };
    const forward = await measure('forward', [ours.pipelines.forward, peers.forward], options);
    await ours.handOver();
    const reverse = await measure('reverse', [ours.pipelines.reverse, peers.reverse], options);
    return findings([forward, reverse], { seconds, rounds });
  } finally {
    for (const stop of stops.reverse()) await stop();
    await dropEverything(servers);
    rmSync(folder, { recursive: true, force: true });
    await lock.release();
  }
}

function findings(directions: readonly Measured[][], setting: Setting) {
  const rate = (one: Measured) => one.bursts.map(({ rowsPerSecond }) => rowsPerSecond);
  const middle = (one: Measured, of: keyof Steady) => median(one.steadies.map((steady) => steady[of]));
  const rows = directions
    .flat()
    .map((one) => [
      `${SAY[one.direction]}, ${one.name}`,
      median(rate(one)),
      median(one.bursts.map(({ written }) => written)),
      middle(one, 'p50'),
      middle(one, 'p99'),
      middle(one, 'max'),
    ]);
  const figures = Object.fromEntries(
    directions.map(([ours, peer]) => {
      const figuresOf = (one: Measured) => ({
        rowsPerSecond: rounded(median(rate(one))),
        written: rounded(median(one.bursts.map(({ written }) => written))),
        p50: rounded(middle(one, 'p50')),
        p99: rounded(middle(one, 'p99')),
        max: rounded(middle(one, 'max')),
        transactionsPerSecond: rounded(middle(one, 'perSecond')),
        rounds: rate(one).map(rounded),
      });
      const steadies = (one: Measured, of: 'p50' | 'p99') => one.steadies.map((steady) => steady[of]);
      const ratios = {
        rowsPerSecond: rounded(ratio(rate(ours!), rate(peer!))),
        p50: rounded(ratio(steadies(ours!, 'p50'), steadies(peer!, 'p50'))),
        p99: rounded(ratio(steadies(ours!, 'p99'), steadies(peer!, 'p99'))),
      };
      return [ours!.direction, { ours: figuresOf(ours!), jdbcSink: figuresOf(peer!), 'ours/jdbcSink': ratios }];
    }),
  );
  const text = [
    `A burst of ${ROWS.toLocaleString('en')} rows in transactions of ${SIZE}; then ${PER_SECOND} transactions/s for ${setting.seconds} s,`,
    `each timed from its commit to its sight on the other side (looked for every 1–3 ms);`,
    `${setting.rounds} rounds in turn, medians\n`,
    table([['', 'rows/s', 'written/s', 'p50 ms', 'p99 ms', 'max ms'], ...rows]),
    '',
    ...Object.entries(figures).map(
      ([
        direction,
        {
          'ours/jdbcSink': { rowsPerSecond, p50, p99 },
        },
      ]) => {
        return `  ${SAY[direction as Direction]}, ours/JDBC sink: rows/s ${rowsPerSecond}, p50 ${p50}, p99 ${p99}`;
      },
    ),
  ].join('\n');
  return {
    text,
    figures: { ...setting, rows: ROWS, transactionSize: SIZE, perSecond: PER_SECOND, directions: figures },
  };
}

export const sync: Benchmark = {
  about: 'rows/s and commit-to-applied latency of our sync, both ways, and of Debezium’s JDBC sink (needs the servers)',
  run,
};
