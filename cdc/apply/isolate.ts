import type { Session } from '@strangler/ledger';
import { failureOf, isRefusal, TargetRefusesError } from './failures.ts';
import type { Unexplained } from './unexplained.ts';

/** Names each savepoint: in MySQL a second one of a name would take the place of the first, around it. */
let attempts = 0;

/**
 * Finds out, inside a target transaction, what of it the target refuses: each attempt runs within a savepoint, so that
 * what was refused has not happened and the rest stays.
 */
export class Isolation {
  readonly #session: Session;
  readonly #unexplained: Unexplained | undefined;

  constructor(session: Session, unexplained: Unexplained | undefined) {
    this.#session = session;
    this.#unexplained = unexplained;
  }

  /**
   * All units if that works, else each half by itself, in their order: what is refused alone is kept. Throws
   * TargetRefusesError if the target does not even take that.
   */
  async each<T>(
    units: readonly T[],
    apply: (some: readonly T[]) => Promise<void>,
    keep: (unit: T, refused: Error) => Promise<void>,
  ): Promise<void> {
    if (!units.length) return;
    const refused = await this.attempt(() => apply(units));
    if (!refused) return;
    if (units.length > 1) {
      const half = units.length >> 1;
      await this.each(units.slice(0, half), apply, keep);
      return this.each(units.slice(half), apply, keep);
    }
    if (failureOf(refused) === 'unknown') this.#unexplained?.kept(refused);
    const unkept = await this.attempt(() => keep(units[0]!, refused));
    if (unkept)
      throw new TargetRefusesError(`to keep in quarantine what it does not take (${refused.message})`, unkept);
  }

  /** The error of what the target does not take; nothing has happened then. */
  async attempt(task: () => Promise<void>): Promise<Error | undefined> {
    const name = `careful_${++attempts}`;
    await this.#session.query(`SAVEPOINT ${name}`);
    try {
      await task();
      await this.#session.query(`RELEASE SAVEPOINT ${name}`);
      return undefined;
    } catch (error) {
      if (!this.#session.usable || !this.#isRefusal(error)) throw error;
      await this.#session.query(`ROLLBACK TO SAVEPOINT ${name}`);
      await this.#session.query(`RELEASE SAVEPOINT ${name}`);
      return error as Error;
    }
  }

  #isRefusal(error: unknown): boolean {
    return this.#unexplained?.exhausted ? isRefusal(error) : failureOf(error) === 'row';
  }
}
