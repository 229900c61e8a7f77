import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionOptions } from '@strangler/ledger';

/** Waits `ms` milliseconds, or until the signal says to stop. Never throws. */
export const patience = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {});

/** For sessions that only look or tick: a database that does not answer is asked again through another one. */
export const LOOKING: SessionOptions = { statementTimeout: 10_000 };
