import { isIPv6 } from 'node:net';
import { EVERYBODY } from '@strangler/plan';
import type { Write } from './flights.ts';

/** Whose it is, and the side it was sent to, if it was. */
type Taker = Pick<Write, 'capability' | 'user'> & Partial<Pick<Write, 'side'>>;

/**
 * Counts what may keep its user from moving, by side and capability: of one client address, and of one user at that
 * address. A user is never counted across addresses: a forged token must not use up what is another’s. Everybody is no
 * such user: then the address alone counts.
 */
export class Allowance {
  readonly #perAddress: number;
  readonly #perUser: number;
  readonly #taken = new Map<string, number>();

  constructor(perAddress: number, perUser: number) {
    this.#perAddress = perAddress;
    this.#perUser = perUser;
  }

  /** True if no more of this write’s kind may be begun from this address. */
  isUsedUp(write: Taker, address: string): boolean {
    const [ofAddress, ofUser] = keysOf(write, address);
    if (this.#count(ofAddress) >= this.#perAddress) return true;
    return write.user !== EVERYBODY && this.#count(ofUser) >= this.#perUser;
  }

  /** Takes one place, even beyond the allowance; the function it gives back frees the place, and is safe to call twice. */
  take(write: Taker, address: string): () => void {
    const keys = keysOf(write, address);
    for (const key of keys) this.#taken.set(key, this.#count(key) + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      for (const key of keys) {
        const left = this.#count(key) - 1;
        if (left > 0) this.#taken.set(key, left);
        else this.#taken.delete(key);
      }
    };
  }

  #count(key: string): number {
    return this.#taken.get(key) ?? 0;
  }
}

function keysOf({ side, capability, user }: Taker, address: string): [ofAddress: string, ofUser: string] {
  const ofAddress = `${side ?? ''} ${capability} ${networkOf(address)}`;
  return [ofAddress, `${ofAddress} ${user}`];
}

/** Whoever has one address of IPv6 has the /64 it lies in. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')]
    .slice(0, 4)
    .join(':');
}
