import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '@strangler/ledger';
import { median, quantile } from '../figures.ts';
import { Arrivals } from './arrivals.ts';
import { asApplication, insertOf, linesOf } from './orders-table.ts';

/** One way that carries the table `orders` from one database into another. */
export type Pipeline = {
  readonly name: string;
  readonly source: string;
  readonly target: string;
  /** What it says of itself, for when it does not do its work. */
  readonly state: () => Promise<string>;
};

/** What a burst came to: rows per second from the first commit to the last row applied, and of the writer alone. */
export type Burst = { readonly rowsPerSecond: number; readonly written: number };

/** What a steady trickle came to: transactions per second, and milliseconds from commit to sight. */
export type Steady = { readonly perSecond: number; readonly p50: number; readonly p99: number; readonly max: number };

const ARRIVED_WITHIN_MS = 120_000;
const WRITERS = 4;
/** Ids are odd on MySQL and even on Postgres, so each side counts in twos. */
const STEP = 2;

/** Ids as the source’s side mints them: odd on MySQL, even on Postgres. */
export class Ids {
  #next: number;
  constructor(source: string) {
    this.#next = source.startsWith('mysql:') ? 1 : 2;
  }
  take(count: number): number[] {
    return Array.from({ length: count }, () => {
      const id = this.#next;
      this.#next += STEP;
      return id;
    });
  }
}

async function withSessions<T>(
  { source, target }: Pipeline,
  writers: number,
  work: (sources: Session[], target: Session) => Promise<T>,
): Promise<T> {
  const sessions: Session[] = [];
  try {
    for (let nth = 0; nth < writers; nth++) sessions.push(await asApplication(source));
    const sources = [...sessions];
    const reader = await asApplication(target);
    sessions.push(reader);
    return await work(sources, reader);
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Asks every so many milliseconds; throws if a pipeline has not done `what` in time. */
async function until(
  { name, state }: Pipeline,
  what: string,
  every: number,
  signal: AbortSignal,
  done: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + ARRIVED_WITHIN_MS;
  while (!(await done())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new Error(`${name} did not ${what} within ${ARRIVED_WITHIN_MS / 1_000} s: ${await state()}`);
    }
    await sleep(every);
  }
}

/** Inserts, changes and deletes through a pipeline; throws unless both sides are the same afterwards. */
export async function validate(pipeline: Pipeline, ids: Ids, signal: AbortSignal): Promise<void> {
  await withSessions(pipeline, 1, async ([source], target) => {
    const [first, second, third] = ids.take(3) as [number, number, number];
    await source!.query(insertOf([first, second, third]));
    await source!.query("UPDATE orders SET status = 'cancelled', total = 0.1 WHERE id = ?", [second]);
    await source!.query('DELETE FROM orders WHERE id = ?', [third]);
    await same(pipeline, source!, target, signal);
  });
}

/** Throws unless both sides of a pipeline come to hold the same rows. */
async function same(pipeline: Pipeline, source: Session, target: Session, signal: AbortSignal): Promise<void> {
  const wanted = (await linesOf(source)).join('\n');
  await until(pipeline, 'bring both sides to the same rows', 100, signal, async () => {
    return (await linesOf(target)).join('\n') === wanted;
  });
}

/** Writes `rows` rows in transactions of `size`, one after another, and waits until the last one is applied. */
export async function burst(
  pipeline: Pipeline,
  ids: Ids,
  { rows, size, signal }: { rows: number; size: number; signal: AbortSignal },
): Promise<Burst> {
  const statements = Array.from({ length: rows / size }, () => ids.take(size)).map((some) => ({
    last: some.at(-1)!,
    sql: insertOf(some),
  }));
  return withSessions(pipeline, 1, async ([source], target) => {
    await source!.query(statements[0]!.sql);
    const begun = performance.now();
    for (const { sql } of statements.slice(1)) {
      signal.throwIfAborted();
      await source!.query(sql);
    }
    const written = performance.now();
    const { last } = statements.at(-1)!;
    await until(pipeline, `apply ${rows} rows`, 5, signal, async () => {
      return (await target.query('SELECT id FROM orders WHERE id = ?', [last])).rows.length > 0;
    });
    const applied = performance.now();
    await same(pipeline, source!, target, signal);
    const perSecond = (end: number) => ((rows - size) / (end - begun)) * 1_000;
    return { rowsPerSecond: perSecond(applied), written: perSecond(written) };
  });
}

/** Commits `perSecond` one-row transactions a second for so many seconds, and looks when each can be seen. */
export async function steady(
  pipeline: Pipeline,
  ids: Ids,
  { perSecond, seconds, signal }: { perSecond: number; seconds: number; signal: AbortSignal },
): Promise<Steady> {
  const all = ids.take(perSecond * seconds);
  const arrivals = new Arrivals();
  return withSessions(pipeline, WRITERS, async (sources, target) => {
    const begun = performance.now();
    let next = 0;
    const write = async (source: Session) => {
      while (next < all.length) {
        const nth = next++;
        const wait = begun + (nth * 1_000) / perSecond - performance.now();
        if (wait > 0) await sleep(wait);
        signal.throwIfAborted();
        await source.query(insertOf([all[nth]!]));
        arrivals.commit(all[nth]!, performance.now());
      }
    };
    let ended = 0;
    let failed: unknown;
    const writing = Promise.all(sources.map(write)).then(
      () => {
        ended = performance.now();
      },
      (error: unknown) => {
        failed = error;
      },
    );
    const seen = new Set<number>();
    let low = all[0]! - STEP;
    await until(pipeline, `apply ${all.length} transactions`, 1, signal, async () => {
      if (failed) throw failed;
      const { rows } = await target.query<{ id: number }>('SELECT id FROM orders WHERE id > ? ORDER BY id', [low]);
      const now = performance.now();
      for (const { id } of rows) {
        arrivals.see(Number(id), now);
        seen.add(Number(id));
      }
      // Writers commit out of order, and the other side's ids lie between: look again from the first of ours missing.
      while (seen.has(low + STEP)) low += STEP;
      return ended > 0 && arrivals.missing === 0;
    });
    await writing;
    const { latencies } = arrivals;
    return {
      perSecond: all.length / ((ended - begun) / 1_000),
      p50: median(latencies),
      p99: quantile(latencies, 0.99),
      max: Math.max(...latencies),
    };
  });
}
