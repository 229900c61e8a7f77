import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/** Milliseconds from the moment each request was due to the end of its answer. */
export type Latencies = number[];

/** Sends `perSecond` requests for `seconds`, each at its own moment whatever became of those before. Throws if one fails. */
export async function openLoad(
  origin: string,
  asks: readonly { readonly path: string; readonly headers: Readonly<Record<string, string>> }[],
  { perSecond, seconds, signal }: { perSecond: number; seconds: number; signal: AbortSignal },
): Promise<Latencies> {
  const pool = new Pool(origin, { connections: 128, pipelining: 1 });
  const latencies: Latencies = [];
  const underWay: Promise<void>[] = [];
  const begun = performance.now();
  const ask = async (nth: number, due: number): Promise<void> => {
    const { path, headers } = asks[nth % asks.length]!;
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers });
    await body.dump();
    if (statusCode !== 200) throw new Error(`request ${nth} was answered ${statusCode}`);
    latencies.push(performance.now() - due);
  };
  try {
    for (let nth = 0; nth < perSecond * seconds; nth++) {
      signal.throwIfAborted();
      const due = begun + (nth / perSecond) * 1_000;
      if (due > performance.now()) await sleep(due - performance.now());
      underWay.push(ask(nth, due));
    }
    await Promise.all(underWay);
    return latencies;
  } finally {
    await Promise.allSettled(underWay);
    await pool.close();
  }
}
