import { sleep } from './sleep.ts';

/** Thrown out of whatever is being retried when its stream is told to stop. */
export class StoppedError extends Error {
  constructor() {
    super('stopped');
    this.name = 'StoppedError';
  }
}

/** How to go on trying, and whom to tell. */
export type RetryPolicy = {
  readonly signal: AbortSignal;
  /** True for an error that trying again cannot fix. */
  readonly isFatal?: (error: unknown) => boolean;
  /** It failed and is tried again. */
  readonly onRetry: (error: Error) => void;
  /** It works again. */
  readonly onRecovered?: () => void;
};

const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 2_000;

/** Does something until it works, waiting longer each time. Throws StoppedError, or the first isFatal error. */
export async function retry<T>(task: () => Promise<T>, how: RetryPolicy): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    if (how.signal.aborted) throw new StoppedError();
    try {
      const result = await task();
      if (attempt > 0) how.onRecovered?.();
      return result;
    } catch (error) {
      if (how.signal.aborted) throw new StoppedError();
      if (how.isFatal?.(error)) throw error;
      how.onRetry(error instanceof Error ? error : new Error(String(error)));
      await sleep(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt), how.signal);
    }
  }
}
