const { setImmediate: soon, setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
const REAL = { setTimeout, clearTimeout, setInterval, clearInterval, Date };

/** The day on which everything happens. */
class SameDay extends Date {
  constructor() {
    super(0);
  }
}

/** Longer than anything is waited for, ms. */
const LONG = 60_000;

/** Time that passes only when nothing else can happen: code that waits for a clock runs at once, and always alike. */
export class VirtualTime {
  #now = 0;
  #next = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void; readonly every: number }>();

  /** Lets time pass. */
  pass(milliseconds: number): void {
    if (Number.isFinite(milliseconds)) this.#now += Math.max(0, milliseconds);
  }

  /** Runs code on this time until `enough`, or until it waits for ever; then nothing of it goes on. */
  async during(start: () => void, enough: () => boolean): Promise<void> {
    const now = performance.now;
    const after = (run: () => void, milliseconds = 0, every = 0) => {
      this.#timers.set(++this.#next, { at: this.#now + milliseconds, run, every });
      return this.#next;
    };
    const clear = (timer: number) => this.#timers.delete(timer);
    Object.assign(globalThis, {
      setTimeout: (run: () => void, milliseconds?: number) => after(run, milliseconds),
      setInterval: (run: () => void, milliseconds: number) => after(run, milliseconds, milliseconds),
      clearTimeout: clear,
      clearInterval: clear,
      Date: SameDay,
    });
    performance.now = () => this.#now;
    try {
      start();
      for (;;) {
        await new Promise<void>((resolve) => soon(resolve));
        if (enough()) return;
        const first = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0];
        if (!first || this.#now > LONG) return;
        const [timer, { at, run, every }] = first;
        this.#now = Math.max(this.#now, at);
        if (every) this.#timers.set(timer, { at: at + every, run, every });
        else this.#timers.delete(timer);
        run();
      }
    } finally {
      Object.assign(globalThis, REAL);
      performance.now = now;
    }
  }
}
