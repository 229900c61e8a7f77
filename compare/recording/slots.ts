/** So many at once; who comes later waits in line. */
export class Slots {
  readonly #all: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #idle: (() => void) | undefined;

  constructor(count: number) {
    this.#all = count;
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else if (++this.#free === this.#all) this.#idle?.();
  }

  /** Resolves when all have been given back. */
  async allGiven(): Promise<void> {
    if (this.#free === this.#all) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}
