import { patience } from './sleep.ts';

/** Thrown out of whatever is being retried when its stream is told to stop. */
export class StoppedError extends Error {
  constructor() {
    super('stopped');
    this.name = 'StoppedError';
  }
}

/** How to go on trying, and whom to tell. */
export type Persistence = {
  readonly signal: AbortSignal;
  /** True for an error that trying again cannot mend. */
  readonly hopeless: (error: unknown) => boolean;
  /** It failed and is tried again. */
  readonly trouble: (error: Error) => void;
  /** It works again. */
  readonly recovered: () => void;
};

const FIRST_WAIT = 20;
const LONGEST_WAIT = 2_000;

/** Does something until it works, waiting longer each time. Throws StoppedError, or the first hopeless error. */
export async function persist<T>(task: () => Promise<T>, how: Persistence): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    if (how.signal.aborted) throw new StoppedError();
    try {
      const result = await task();
      if (attempt > 0) how.recovered();
      return result;
    } catch (error) {
      if (how.signal.aborted) throw new StoppedError();
      if (how.hopeless(error)) throw error;
      how.trouble(error instanceof Error ? error : new Error(String(error)));
      await patience(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt), how.signal);
    }
  }
}
