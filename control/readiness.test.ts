import { describe, expect, test } from '@jest/globals';
import { type ProxyView, readiness, unknownFor } from './readiness.ts';

const HANDOFF = { capability: 'shop', epoch: 7, version: 3, writeFate: 10_000 };
const proxy = (over: Partial<ProxyView> = {}): ProxyView => ({ proxy: 'p1', pid: 1, acked: 3, flights: [], ...over });
const flight = (over: object) => ({ capability: 'shop', epoch: 7, inFlight: 0, unknownFor: 0, ...over });

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

  test('a lost proxy keeps everybody for writeFate, then nobody', () => {
    const lost = proxy({ lostAt: 1_000, acked: 0 });
    expect(readiness([lost], HANDOFF, 5_000)).toMatchObject({ is: 'unknown', ms: 6_000 });
    expect(readiness([lost], HANDOFF, 11_000)).toEqual({ is: 'ready' });
    expect(unknownFor([lost], 10_000, 20_000)).toBe(0);
  });
});
