import type { Flight } from '@strangler/plan';

/** What control knows of one proxy process. Times in ms of a monotonic clock. */
export type ProxyView = {
  readonly proxy: string;
  readonly pid: number;
  /** When its stream ended without a goodbye; undefined while it is connected. */
  readonly lostAt?: number;
  /** The newest snapshot it has in force; 0 before the first. */
  readonly acked: number;
  readonly flights: readonly Flight[];
};

/** What the proxies’ words come to for one handoff. */
export type Readiness =
  | { readonly is: 'ready' }
  /** Some have not answered, or still have writes under way. */
  | { readonly is: 'waiting'; readonly why: string }
  /** A write of unknown fate may still reach the old side for so many ms. */
  | { readonly is: 'unknown'; readonly ms: number; readonly why: string };

/** Milliseconds for which writes of lost proxies may still arrive; 0 if there are none. */
export function unknownFor(proxies: readonly ProxyView[], writeFate: number, now: number): number {
  return Math.max(0, ...proxies.map(({ lostAt }) => (lostAt === undefined ? 0 : lostAt + writeFate - now)));
}

/** Whether every connected proxy holds the writes of this handoff (snapshot `version`) and has none under way. */
export function readiness(
  proxies: readonly ProxyView[],
  handoff: { capability: string; epoch: number; version: number; writeFate: number },
  now: number,
): Readiness {
  const lost = unknownFor(proxies, handoff.writeFate, now);
  if (lost > 0) return { is: 'unknown', ms: lost, why: 'a proxy was lost with writes under way' };
  const connected = proxies.filter(({ lostAt }) => lostAt === undefined);
  const flights = connected.flatMap(({ acked, flights }) =>
    acked < handoff.version
      ? []
      : flights.filter(({ capability, epoch }) => capability === handoff.capability && epoch === handoff.epoch),
  );
  const ms = Math.max(0, ...flights.map((flight) => flight.unknownFor));
  if (ms > 0) return { is: 'unknown', ms, why: 'a write of these users is of unknown fate' };
  const silent = connected.filter(({ acked }) => acked < handoff.version).map(({ proxy }) => proxy);
  if (silent.length) return { is: 'waiting', why: `${silent.join(', ')} did not acknowledge the hold` };
  const inFlight = flights.reduce((sum, flight) => sum + flight.inFlight, 0);
  if (inFlight) return { is: 'waiting', why: `${inFlight} writes of these users were still under way` };
  return { is: 'ready' };
}
