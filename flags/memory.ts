import { CALM_MS, dueAt, observe, type Steady, settled } from './debounce.ts';
import type { Reading } from './percentage.ts';
import type { Flag } from './store.ts';

/** How long, in ms, a source may go on answering with the value from before our own write. */
const STALE_ANSWERS_MS = 10_000;

type Entry = { steady: Steady; readAt: number; stale?: { percentage: number; until: number } };

/** The last good percentage of every capability. `now` is a monotonic clock in ms. */
export class FlagMemory {
  readonly #entries = new Map<string, Entry>();
  readonly #problems = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  readonly #capabilities: readonly string[];
  readonly #onProblem: (problem: string) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(capabilities: readonly string[], onProblem: (problem: string) => void, now: () => number) {
    this.#capabilities = capabilities;
    this.#onProblem = onProblem;
    this.#now = now;
  }

  /** The source was read: takes what its flags say; what is nonsense keeps its last good value and ages. */
  take(readingOf: (capability: string) => Reading | undefined): void {
    this.#problems.delete('');
    let changed = false;
    for (const capability of this.#capabilities) {
      const found = readingOf(capability);
      if (!found && !this.#entries.has(capability)) continue; // there never was one: it is made when somebody wants it
      const reading = found ?? { problem: 'is missing' };
      if ('problem' in reading) {
        this.#tell(`flag ${capability}`, `flag ${capability} ${reading.problem}; ${this.#kept(capability)}`);
        continue;
      }
      this.#problems.delete(`flag ${capability}`);
      changed = this.#put(capability, reading.percentage) || changed;
    }
    if (changed) this.#announce();
  }

  /** Something failed; told once until it tells another story or, if it was reading the source, until that works again. */
  failed(problem: string, about = ''): void {
    this.#tell(about, `${problem}; the last good percentages are kept`);
  }

  /** We wrote a percentage ourselves: it counts from now on, and the one before is no news when it comes late. */
  wrote(capability: string, percentage: number): void {
    const was = this.#entries.get(capability);
    const now = this.#now();
    this.#entries.set(capability, {
      steady: settled(percentage),
      readAt: now,
      ...(was && was.steady.seen !== percentage
        ? { stale: { percentage: was.steady.seen, until: now + STALE_ANSWERS_MS } }
        : {}),
    });
    if (was?.steady.published !== percentage) this.#announce();
  }

  read(capability: string): Flag | undefined {
    const entry = this.#entries.get(capability);
    return entry && { percentage: entry.steady.published, age: this.#now() - entry.readAt };
  }

  problem(capability: string): string | undefined {
    return this.#problems.get(`flag ${capability}`) ?? this.#problems.get('');
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #put(capability: string, percentage: number): boolean {
    const now = this.#now();
    const entry = this.#entries.get(capability);
    if (!entry) {
      this.#entries.set(capability, { steady: settled(percentage), readAt: now });
      return true;
    }
    entry.readAt = now;
    if (entry.stale && percentage === entry.stale.percentage && now < entry.stale.until) return false;
    delete entry.stale;
    const before = entry.steady.published;
    entry.steady = observe(entry.steady, percentage, now);
    if (dueAt(entry.steady) !== undefined) this.#lookAgain();
    return entry.steady.published !== before;
  }

  /** A rise held back counts once the flag has kept still, even if the source says nothing more. */
  #lookAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const now = this.#now();
      let changed = false;
      for (const entry of this.#entries.values()) {
        const before = entry.steady.published;
        entry.steady = observe(entry.steady, entry.steady.seen, now);
        changed ||= entry.steady.published !== before;
        if (dueAt(entry.steady) !== undefined) this.#lookAgain();
      }
      if (changed) this.#announce();
    }, CALM_MS / 10).unref();
  }

  #kept(capability: string): string {
    const flag = this.read(capability);
    return flag ? `the last good value, ${flag.percentage} %, is kept` : 'there is no percentage for it';
  }

  #tell(about: string, problem: string): void {
    if (this.#problems.get(about) === problem) return;
    this.#problems.set(about, problem);
    this.#onProblem(problem);
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
