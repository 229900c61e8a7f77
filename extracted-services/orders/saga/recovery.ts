import type pg from 'pg';
import type { Logger } from 'pino';
import type { MonolithClient } from '../monolith-client.ts';
import { takeAbandoned } from './attempts.ts';
import { settle } from './settle.ts';

/** Settles every attempt older than `afterMs` that a crash or a failed undoing left behind; answers how many. */
export const recover = async (
  pool: pg.Pool,
  monolith: MonolithClient,
  afterMs: number,
  log: Logger,
): Promise<number> => {
  let settled = 0;
  for (const attempt of await takeAbandoned(pool, afterMs)) {
    try {
      await settle(pool, monolith, attempt);
      settled++;
    } catch (error) {
      log.warn({ err: error, attempt: attempt.attempt }, 'attempt not settled yet, will try again');
    }
  }
  return settled;
};

export interface Recovery {
  /** Ends after the round in progress; safe to call twice. */
  stop(): Promise<void>;
}

/** Runs `recover` now and every `intervalMs`. */
export const startRecovery = (round: () => Promise<unknown>, log: Logger, intervalMs = 5_000): Recovery => {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const next = () => {
    running = round().then(
      () => {},
      (error: unknown) => log.warn({ err: error }, 'recovery could not look for attempts, will try again'),
    );
    running.then(() => {
      if (!stopped) timer = setTimeout(next, intervalMs);
    });
  };
  next();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
};
