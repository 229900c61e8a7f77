import type { Identified, IdentityCounts } from '@strangler/plan';
import type { Identity } from './identify.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Running = { reads: Mutable<IdentityCounts>; writes: Mutable<IdentityCounts>; why?: string };

const none = (): Mutable<IdentityCounts> => ({ requests: 0, absent: 0, unreadable: 0, unknown: 0 });

/** Counts, by capability, which requests had a user, until control takes them. */
export class IdentityTally {
  #counts = new Map<string, Running>();

  add(capability: string, isWrite: boolean, identity: Identity): void {
    const running = this.#counts.get(capability) ?? { reads: none(), writes: none() };
    this.#counts.set(capability, running);
    const counts = isWrite ? running.writes : running.reads;
    counts.requests++;
    if ('user' in identity) return;
    counts[identity.lack]++;
    if (identity.lack !== 'absent') running.why = identity.why;
  }

  /** Everything since the last time, and begins again. */
  take(): Identified[] {
    const taken = [...this.#counts].map(([capability, counts]) => ({ capability, ...counts }));
    this.#counts = new Map();
    return taken;
  }
}
