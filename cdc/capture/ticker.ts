import { Database, tick } from '@strangler/ledger';
import type { Logger } from 'pino';
import { LOOKING, sleep } from '../sleep.ts';

/** Raises the tick of a database every so many milliseconds. A database that is away is tried again at the next. Gives its stop. */
export function startTicker(url: string, every: number, log: Logger): () => Promise<void> {
  const abort = new AbortController();
  const database = new Database(url, 'tick', LOOKING);
  let failed = '';
  const run = async () => {
    while (!abort.signal.aborted) {
      const began = Date.now();
      try {
        await database.use(tick);
        failed = '';
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== failed) log.warn({ reason }, 'no tick');
        failed = reason;
      }
      await sleep(Math.max(0, every - (Date.now() - began)), abort.signal);
    }
  };
  const life = run();
  return async () => {
    abort.abort();
    await life;
    await database.close();
  };
}
