import { TargetRefusesError } from './failures.ts';

/** An error nobody knows is taken for the row’s own after so many tries, each after a longer wait (retry.ts). */
const TRIES = 5;
/** So many rows kept for such errors, and not one applied between them: then it is not the rows. */
const MOST = 10;

/** Counts what a target refuses for reasons nobody knows. */
export class Unexplained {
  #tries = 0;
  #inARow = 0;

  /** True once it has been tried often enough. */
  get exhausted(): boolean {
    return this.#tries >= TRIES;
  }

  /** A transaction has failed for such a reason. */
  failed(): void {
    this.#tries++;
  }

  /** A transaction was committed. */
  committed(): void {
    this.#tries = 0;
  }

  /** The target has taken rows. */
  taken(): void {
    this.#inARow = 0;
  }

  /** A row is to be kept. Throws TargetRefusesError. */
  kept(refused: Error): void {
    if (++this.#inARow > MOST) throw new TargetRefusesError(`${MOST} rows in a row, and nobody knows why`, refused);
  }
}
