import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Pool } from 'undici';

/** A timer may be late by so much, ms; what is left is waited for turn by turn. */
const LATE = 2;

/** Requests that are sent at their own moments, whatever became of those before. */
export class OpenLoad {
  readonly #pool: Pool;

  constructor(port: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections: 128, pipelining: 1 });
  }

  /**
   * Sends `perSecond` requests for `seconds`, each at a random moment of its own share of the second: a steady beat would
   * meet, or miss, whatever else happens at one. Milliseconds from when each was due to the end of its answer. Throws if one fails.
   */
  async send(
    asks: readonly { readonly path: string; readonly headers: Readonly<Record<string, string>> }[],
    { perSecond, seconds, signal }: { perSecond: number; seconds: number; signal: AbortSignal },
  ): Promise<number[]> {
    const latencies: number[] = [];
    const underWay: Promise<void>[] = [];
    const begun = performance.now();
    const ask = async (nth: number, due: number): Promise<void> => {
      const { path, headers } = asks[nth % asks.length]!;
      const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers });
      await body.dump();
      if (statusCode !== 200) throw new Error(`request ${nth} was answered ${statusCode}`);
      latencies.push(performance.now() - due);
    };
    try {
      for (let nth = 0; nth < perSecond * seconds; nth++) {
        signal.throwIfAborted();
        const due = begun + ((nth + Math.random()) / perSecond) * 1_000;
        if (due - performance.now() > LATE) await sleep(due - performance.now() - LATE);
        while (performance.now() < due) await turn();
        underWay.push(ask(nth, due));
      }
      await Promise.all(underWay);
      return latencies;
    } finally {
      await Promise.allSettled(underWay);
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
