/** When each row was committed and when it was first seen on the other side, in milliseconds of one clock. */
export class Arrivals {
  readonly #committed = new Map<number, number>();
  readonly #seen = new Map<number, number>();

  commit(id: number, at: number): void {
    this.#committed.set(id, at);
  }

  /** Notes that a row can be seen; only the first time counts. */
  see(id: number, at: number): void {
    if (!this.#seen.has(id)) this.#seen.set(id, at);
  }

  /** Rows committed and not seen yet. */
  get missing(): number {
    let missing = 0;
    for (const id of this.#committed.keys()) if (!this.#seen.has(id)) missing++;
    return missing;
  }

  /** From commit to sight of every row that was seen; one seen before its commit was answered took no time. */
  get latencies(): number[] {
    return [...this.#committed].flatMap(([id, at]) => {
      const seen = this.#seen.get(id);
      return seen === undefined ? [] : [Math.max(0, seen - at)];
    });
  }
}
