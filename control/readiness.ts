import type { Flight } from '@strangler/plan';

/** What control knows of one registered proxy. Times in ms of a monotonic clock. */
export type ProxyView = {
  readonly proxy: string;
  /** Of the process last linked; undefined if none was linked to this control yet. */
  readonly pid?: number | undefined;
  /** Since when it has been without a link, and has not said goodbye; undefined while it is linked. */
  readonly lostAt?: number | undefined;
  /** Names the loss, while it lasts. */
  readonly loss?: string | undefined;
  /** An operator has said that this lost proxy does not run any more. */
  readonly dismissed?: boolean | undefined;
  /** Until then writes of the process before it, of the same name, may arrive. */
  readonly inheritsUntil?: number | undefined;
  /** The newest snapshot of this control it has in force; 0 before the first. */
  readonly acked: number;
  readonly flights: readonly Flight[];
};

/** What the proxies’ activity comes to for one handoff. `users` are those, and only those, whose writes are in the way. */
export type Readiness =
  | { readonly is: 'ready' }
  /** Some have not answered, or still have writes under way. */
  | { readonly is: 'waiting'; readonly why: string; readonly users: readonly string[] }
  /** A write of unknown fate may still reach the old side for so many ms. */
  | { readonly is: 'unknown'; readonly ms: number; readonly why: string; readonly users: readonly string[] }
  /** A registered proxy may be sending writes by what it last knew, for as long as it lives. */
  | { readonly is: 'lost'; readonly why: string };

/** Registered proxies that have lost their link, and that nobody accounts for. */
export const lostProxies = (proxies: readonly ProxyView[]): readonly (ProxyView & { readonly lostAt: number })[] =>
  proxies.flatMap((view) => (view.lostAt !== undefined && !view.dismissed ? [{ ...view, lostAt: view.lostAt }] : []));

/** Milliseconds for which writes of proxies that are no more may still arrive; 0 if there are none. */
export function unknownFor(proxies: readonly ProxyView[], writeFate: number, now: number): number {
  const until = ({ lostAt, inheritsUntil = 0 }: ProxyView) =>
    Math.max(inheritsUntil, lostAt === undefined ? 0 : lostAt + writeFate);
  return Math.max(0, ...proxies.map((view) => until(view) - now));
}

/** Whether every registered proxy holds the writes of this handoff (snapshot `version`) and has none under way. */
export function readiness(
  proxies: readonly ProxyView[],
  handoff: { capability: string; epoch: number; version: number; writeFate: number },
  now: number,
): Readiness {
  const lost = lostProxies(proxies).map(({ proxy }) => proxy);
  if (lost.length) return { is: 'lost', why: `${sayProxies(lost)} lost the link to control` };
  const former = unknownFor(proxies, handoff.writeFate, now);
  if (former > 0)
    return { is: 'unknown', ms: former, why: 'writes of a proxy that is no more may still arrive', users: [] };
  const linked = proxies.filter(({ lostAt }) => lostAt === undefined);
  const silent = linked.filter(({ acked }) => acked < handoff.version).map(({ proxy }) => proxy);
  const flights = linked.flatMap(({ acked, flights }) =>
    acked < handoff.version
      ? []
      : flights.filter(({ capability, epoch }) => capability === handoff.capability && epoch === handoff.epoch),
  );
  const unknown = flights.filter((flight) => flight.unknownFor > 0);
  const ms = Math.max(0, ...unknown.map((flight) => flight.unknownFor));
  if (ms > 0) {
    const users = together(unknown.map(({ unknownOf }) => unknownOf));
    return { is: 'unknown', ms, why: 'a write of these users is of unknown fate', users };
  }
  if (silent.length) {
    return { is: 'waiting', why: `${silent.join(', ')} did not acknowledge the hold`, users: [] };
  }
  const busy = flights.filter(({ inFlight }) => inFlight > 0);
  if (!busy.length) return { is: 'ready' };
  const writes = busy.reduce((sum, { inFlight }) => sum + inFlight, 0);
  const users = together(busy.map(({ inFlightOf }) => inFlightOf));
  return { is: 'waiting', why: `${writes} writes of these users were still under way`, users };
}

/** All users of these lists; nobody if one of them could not name its own. */
const together = (lists: readonly (readonly string[])[]): readonly string[] =>
  lists.every(({ length }) => length) ? [...new Set(lists.flat())] : [];

/** `proxy p1`, or `proxies p1, p2`. */
export const sayProxies = (names: readonly string[]): string =>
  `${names.length === 1 ? 'proxy' : 'proxies'} ${names.join(', ')}`;
