import { describe, expect, test } from '@jest/globals';
import type { Flight } from '@strangler/plan';
import { type ProxyView, readiness, unknownFor } from './readiness.ts';
import { quiet } from './testing/proxy.ts';

const HANDOFF = { capability: 'shop', epoch: 7, version: 3, writeFate: 10_000 };
const proxy = (over: Partial<ProxyView> = {}): ProxyView => ({ proxy: 'p1', pid: 1, acked: 3, flights: [], ...over });
const flight = (over: Partial<Flight>): Flight => ({ ...quiet('shop', 7), ...over });

describe('readiness', () => {
  test('no proxy at all has no writes under way', () => {
    expect(readiness([], HANDOFF, 0)).toEqual({ is: 'ready' });
  });

  test('everybody acknowledged and nothing under way: ready; a later snapshot counts too', () => {
    expect(readiness([proxy(), proxy({ acked: 9, flights: [flight({})] })], HANDOFF, 0)).toEqual({ is: 'ready' });
  });

  test('one that has not acknowledged is waited for, by name', () => {
    const waiting = readiness([proxy(), proxy({ proxy: 'p2', acked: 2 })], HANDOFF, 0);
    expect(waiting).toMatchObject({ is: 'waiting', why: expect.stringContaining('p2') });
  });

  test('writes under way are waited for; those of another handoff are not', () => {
    expect(readiness([proxy({ flights: [flight({ inFlight: 2 })] })], HANDOFF, 0).is).toBe('waiting');
    const others = [flight({ epoch: 6, inFlight: 2 }), flight({ capability: 'other', inFlight: 1 })];
    expect(readiness([proxy({ flights: others })], HANDOFF, 0).is).toBe('ready');
  });

  test('a write of unknown fate ends the attempt, even while another proxy is silent', () => {
    const proxies = [proxy({ flights: [flight({ unknownFor: 4_000 })] }), proxy({ acked: 0 })];
    expect(readiness(proxies, HANDOFF, 0)).toMatchObject({ is: 'unknown', ms: 4_000 });
  });

  test('faults 79: a lost proxy keeps everybody, by name, for as long as nobody accounts for it', () => {
    const lost = proxy({ proxy: 'p2', lostAt: 1_000, acked: 9 });
    for (const now of [1_000, 11_001, 1e9]) {
      expect(readiness([proxy(), lost], HANDOFF, now)).toMatchObject({
        is: 'lost',
        why: expect.stringContaining('p2'),
      });
    }
  });

  test('a dismissed proxy sends nothing more; what it had sent may arrive until writeFate has passed', () => {
    const gone = proxy({ lostAt: 1_000, acked: 0, dismissed: true });
    expect(readiness([gone], HANDOFF, 5_000)).toMatchObject({ is: 'unknown', ms: 6_000 });
    expect(readiness([gone], HANDOFF, 11_000)).toEqual({ is: 'ready' });
    expect(unknownFor([gone], 10_000, 20_000)).toBe(0);
  });

  test('a successor that has long been running waits for the writes of the one before it all the same', () => {
    const successor = proxy({ inheritsUntil: 9_000 });
    expect(readiness([successor], HANDOFF, 5_000)).toMatchObject({ is: 'unknown', ms: 4_000, users: [] });
    expect(unknownFor([successor], 10_000, 5_000)).toBe(4_000);
    expect(readiness([successor], HANDOFF, 9_000)).toEqual({ is: 'ready' });
  });

  test('whose writes alone are in the way is said, unless they may be anybody’s or too many to name', () => {
    const unknown = flight({ unknownFor: 10, unknownOf: ['ada'], inFlight: 3, inFlightOf: ['bob', 'cy'] });
    const other = flight({ inFlight: 1, inFlightOf: ['dan'] });
    const both = [proxy({ flights: [unknown] }), proxy({ proxy: 'p2', flights: [other] })];
    expect(readiness(both, HANDOFF, 0)).toMatchObject({ is: 'unknown', users: ['ada'] });
    const busy = [proxy({ flights: [flight({ inFlight: 2, inFlightOf: ['bob'] })] }), both[1]!];
    expect(readiness(busy, HANDOFF, 0)).toMatchObject({ is: 'waiting', users: ['bob', 'dan'] });
    const anybody = [proxy({ flights: [flight({ unknownFor: 10 })] }), both[0]!];
    expect(readiness(anybody, HANDOFF, 0)).toMatchObject({ is: 'unknown', users: [] });
    const silent = proxy({ proxy: 'p3', acked: 1 });
    expect(readiness([...busy, silent], HANDOFF, 0)).toMatchObject({ is: 'waiting', users: [] });
  });
});
