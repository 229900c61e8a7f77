/** Lets one loop sleep until something happens. */
export class Notify {
  #listeners = new Set<() => void>();
  #missed = false;

  /** Ends every wait; the next one, if nobody is waiting. */
  wake(): void {
    this.#missed = this.#listeners.size === 0;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves at the next wake, after `ms`, or when the signal aborts, whichever comes first. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(done);
      signal?.addEventListener('abort', done);
      if (this.#missed || signal?.aborted) done();
      this.#missed = false;
    });
  }

  /** Resolves true as soon as `holds`, false after `ms` or when the signal aborts. */
  async until(holds: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    const end = performance.now() + ms;
    while (!holds()) {
      const left = end - performance.now();
      if (left <= 0 || signal?.aborted) return false;
      await this.wait(left, signal);
    }
    return true;
  }
}
