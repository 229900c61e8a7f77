/** Remembers answers for a while: at most `most`, those that were wanted longest ago go first. */
export class Recent<T> {
  readonly #most: number;
  readonly #lasts: number;
  readonly #kept = new Map<string, { readonly answer: T; readonly askedAt: number }>();

  /** `lasts`: how old an answer may be, in milliseconds since it was asked for. */
  constructor(most: number, lasts: number) {
    this.#most = most;
    this.#lasts = lasts;
  }

  get(key: string, now: number): { readonly answer: T } | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    if (now - kept.askedAt >= this.#lasts) return undefined;
    this.#kept.set(key, kept);
    return kept;
  }

  /** Of two answers the one that was asked for later stays, in whichever order they come. */
  set(key: string, answer: T, askedAt: number): void {
    const kept = this.#kept.get(key);
    if (kept && kept.askedAt > askedAt) return;
    this.#kept.delete(key);
    this.#kept.set(key, { answer, askedAt });
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
  }

  get size(): number {
    return this.#kept.size;
  }
}
