import type { Database } from '@strangler/ledger';
import { failureOf } from './apply/failures.ts';
import type { AskSource } from './rows/keys-of-ids.ts';

/** A restart takes less; a database that is gone for good must not hold up what can go on without it. */
const PATIENCE_MS = 5_000;

/**
 * Asks a database that may be away: for so long its errors are thrown, so that it is asked again; then there is no answer,
 * and only now and then is it asked whether it is back. What another try cannot help is thrown each time.
 */
export function patiently(database: Database): AskSource {
  let awaySince: number | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  return async (task) => {
    const isAway = () => awaySince !== undefined && performance.now() - awaySince >= PATIENCE_MS;
    if (isAway() && performance.now() - askedAt < PATIENCE_MS) return undefined;
    askedAt = performance.now();
    try {
      const answer = await database.use(task);
      awaySince = undefined;
      return answer;
    } catch (error) {
      if (failureOf(error) !== 'passing') throw error;
      awaySince ??= askedAt;
      if (!isAway()) throw error;
      askedAt = performance.now();
      return undefined;
    }
  };
}
