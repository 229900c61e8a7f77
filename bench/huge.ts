import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servers as readServers } from '@strangler/servers';
import { tryLock } from '../deploy/local/lock.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { rounded, table } from './figures.ts';
import { forgetPeak, memoryOf } from './huge/memory.ts';
import { type HugeWorld, makeHugeWorld } from './huge/world.ts';
import { say } from './screen.ts';

const ROWS = 200_000;
const AT_ONCE = 5_000;
const MEGABYTES = 10;

/** One transaction, and how one sees that it has been applied. */
type Scene = {
  readonly name: string;
  readonly rows: number;
  readonly write: (world: HugeWorld) => Promise<void>;
  readonly arrived: (world: HugeWorld) => Promise<void>;
};

async function insertOrders({ monolith, service }: HugeWorld, on: 'monolith' | 'service', key: string): Promise<void> {
  const session = on === 'monolith' ? monolith : service;
  const time = new Date().toISOString().slice(0, 19).replace('T', ' ');
  await session.transaction(async () => {
    for (let from = 0; from < ROWS; from += AT_ONCE) {
      const rows = Array.from(
        { length: AT_ONCE },
        (_, at) => `(${(from + at) % 997}, '${key}-${from + at}', 'placed', 12.50, 'a note of some length', '${time}')`,
      );
      await session.query(
        `INSERT INTO orders (user_id, idempotency_key, status, total, note, updated_at) VALUES ${rows.join(', ')}`,
      );
    }
  });
}

const OWNERS: readonly Scene[] = [
  {
    name: `${ROWS} rows inserted, MySQL to Postgres`,
    rows: ROWS,
    write: (world) => insertOrders(world, 'monolith', 'one'),
    arrived: (world) => world.arrive('service', 'orders', ROWS),
  },
  {
    name: `${ROWS} rows updated, MySQL to Postgres`,
    rows: ROWS,
    write: async ({ monolith }) => void (await monolith.query("UPDATE orders SET status = 'updated'")),
    arrived: (world) => world.arrive('service', "orders WHERE status = 'updated'", ROWS),
  },
  {
    name: `a row of ${MEGABYTES} MB inserted`,
    rows: 1,
    write: async ({ monolith }) => {
      await monolith.query(
        `INSERT INTO documents (user_id, body) VALUES (1, REPEAT('0123456789', ${MEGABYTES * 100_000}))`,
      );
    },
    arrived: (world) => world.arrive('service', `documents WHERE LENGTH(body) = ${MEGABYTES * 1_000_000}`, 1),
  },
  {
    name: `a row of ${MEGABYTES} MB updated (both images: ${2 * MEGABYTES} MB)`,
    rows: 1,
    write: async ({ monolith }) => void (await monolith.query("UPDATE documents SET body = CONCAT(body, '!')")),
    arrived: (world) => world.arrive('service', `documents WHERE LENGTH(body) = ${MEGABYTES * 1_000_000 + 1}`, 1),
  },
];

const AFTER_HANDOVER: readonly Scene[] = [
  {
    name: `${ROWS} rows inserted, Postgres to MySQL`,
    rows: ROWS,
    write: (world) => insertOrders(world, 'service', 'two'),
    arrived: (world) => world.arrive('monolith', 'orders', 2 * ROWS),
  },
  {
    name: `${ROWS} late rows that the owner has not touched`,
    rows: ROWS,
    write: async ({ monolith }) => {
      await monolith.query("UPDATE orders SET note = 'late' WHERE idempotency_key LIKE 'one-%'");
    },
    arrived: (world) => world.arrive('service', "orders WHERE note = 'late'", ROWS),
  },
];

const AGAINST_THE_OWNER: Scene = {
  name: `${ROWS} late rows against the owner's, all kept and corrected`,
  rows: ROWS,
  write: async ({ monolith }) => {
    await monolith.query("UPDATE orders SET note = 'too late' WHERE idempotency_key LIKE 'two-%'");
  },
  arrived: async (world) => {
    await world.arrive('service', "strangler_quarantine WHERE status = 'open'", ROWS);
    await world.arrive('monolith', "orders WHERE note = 'too late'", 0);
  },
};

type Measured = {
  readonly name: string;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  readonly peak: number;
};

async function measure(world: HugeWorld, { name, rows, write, arrived }: Scene): Promise<Measured> {
  forgetPeak(world.pid);
  await write(world);
  const began = performance.now();
  await arrived(world);
  const seconds = (performance.now() - began) / 1_000;
  const { peak } = memoryOf(world.pid);
  say(`${name}: ${rounded(seconds)} s, ${Math.round(peak)} MiB`);
  return { name, seconds: rounded(seconds), rowsPerSecond: Math.round(rows / seconds), peak: Math.round(peak) };
}

async function run({ signal }: Options) {
  const servers = await readServers();
  const lock = await tryLock('bench huge', String(process.pid));
  if (!lock) throw new Error('another huge benchmark is running on this machine; wait for it to end');
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  try {
    const world = await makeHugeWorld(servers, folder, signal);
    try {
      const rest = memoryOf(world.pid).now;
      say(`cdc at rest: ${Math.round(rest)} MiB`);
      const measured: Measured[] = [];
      for (const scene of OWNERS) measured.push(await measure(world, scene));
      await world.handOver();
      for (const scene of AFTER_HANDOVER) measured.push(await measure(world, scene));
      // What the late writer does not know: the owner has other values by now.
      await world.secretly("UPDATE orders SET status = 'paid' WHERE idempotency_key LIKE 'two-%'");
      measured.push(await measure(world, AGAINST_THE_OWNER));
      return findings(rest, measured);
    } finally {
      await world.destroy();
    }
  } finally {
    rmSync(folder, { recursive: true });
    await lock.release();
  }
}

function findings(rest: number, measured: readonly Measured[]) {
  const lines = measured.map(({ name, seconds, rowsPerSecond, peak }) => [
    ...[name, String(seconds), rowsPerSecond > 1 ? rowsPerSecond.toLocaleString('en') : '', String(peak)],
  ]);
  const text = [
    'Each in one transaction; seconds from its commit until it is applied; peak RSS of the cdc process (both directions)',
    '',
    table([['', 's', 'rows/s', 'MiB'], ['cdc at rest', '', '', String(Math.round(rest))], ...lines]),
  ].join('\n');
  return { text, figures: { rows: ROWS, megabytes: MEGABYTES, restMiB: Math.round(rest), scenes: measured } };
}

export const huge: Benchmark = {
  about: 'seconds and memory of cdc for transactions of 200,000 rows and rows of 10 MB (needs the servers)',
  run,
};
