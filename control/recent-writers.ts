import type { AtRisk } from './handoff-state.ts';

/** Users remembered at most; and of those at risk, how many are named. */
const MOST = 100_000;
const NAMED = 1_000;

/** Users whose writes the service has acknowledged and the sync may not have brought to the monolith yet. */
export class RecentWriters {
  /** When each last wrote (ms, monotonic); the oldest first. */
  readonly #users = new Map<string, number>();

  /** Takes in users a proxy has told of. */
  add(users: readonly string[], now: number): void {
    for (const user of users) {
      this.#users.delete(user);
      this.#users.set(user, now);
    }
    for (const user of this.#users.keys()) {
      if (this.#users.size <= MOST) break;
      this.#users.delete(user);
    }
  }

  /** Forgets everybody who last wrote before `time`. */
  forget(time: number): void {
    for (const [user, at] of this.#users) {
      if (at >= time) break;
      this.#users.delete(user);
    }
  }

  /** Those for whom `holds`, the latest first. */
  among(holds: (user: string) => boolean): AtRisk {
    const users = [...this.#users.keys()].filter(holds).reverse();
    return { atRisk: users.slice(0, NAMED), more: Math.max(0, users.length - NAMED) };
  }
}
