import { setTimeout as wait } from 'node:timers/promises';
import type { SessionOptions } from '@strangler/ledger';

/** Waits `ms` milliseconds, or until the signal says to stop. Never throws. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  wait(ms, undefined, { signal }).catch(() => {});

/** For sessions that only look or tick: a database that does not answer is asked again through another one. */
export const LOOKING: SessionOptions = { statementTimeout: 10_000 };
