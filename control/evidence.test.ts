import { describe, expect, test } from '@jest/globals';
import type { Side } from '@strangler/plan';
import { EvidenceWindow } from './evidence.ts';

const LIMIT = 0.05;
const of = <S extends Side>(side: S, requests: number, errors: number, hard: number) =>
  ({ side, requests, errors, hard, clientErrors: 0 }) as const;
const service = (requests: number, errors = 0, hard = 0) => of('service', requests, errors, hard);
const monolith = (requests: number, errors = 0, hard = 0) => of('monolith', requests, errors, hard);

describe('evidence', () => {
  test('both sides are counted over the same time', () => {
    const window = new EvidenceWindow(LIMIT);
    window.add(service(3, 1), 0);
    window.add(monolith(5), 10);
    window.add(service(2), 500);
    expect(window.read(600, false)).toMatchObject({
      all: { service: { requests: 5, errors: 1, hard: 0 }, monolith: { requests: 5, errors: 0, hard: 0 } },
      requests: 5,
    });
  });

  test('ten minutes are remembered; the newest requests count most', () => {
    const window = new EvidenceWindow(LIMIT);
    window.add(service(1_000, 1_000), 0);
    for (let second = 1; second <= 900; second++) window.add(service(1), second * 1_000);
    const { all, lately, requests } = window.read(900_000, false);
    expect(all.service.errors).toBe(0);
    expect(all.service.requests).toBeGreaterThanOrEqual(540);
    expect(all.service.requests).toBeLessThanOrEqual(660);
    expect(lately).toBeLessThan(0.01);
    expect(requests).toBe(1_900);
  });

  test('an outage begins with a failure and ends when half of the requests are answered', () => {
    const window = new EvidenceWindow(LIMIT);
    window.add(service(5_000), 0);
    for (let at = 1_000; at < 2_000; at += 100) {
      window.add(service(2, 2, 1), at);
      window.add(monolith(2), at);
    }
    const { hard, errors } = window.read(2_000, false).outages.all;
    expect(hard).toMatchObject({ service: { requests: 0, failures: 0 }, lasting: 0 });
    expect(hard.usual).toBeCloseTo(10 / (5_040 + 1_000), 9);
    expect(errors).toEqual({
      service: { requests: 20, failures: 20 },
      monolith: { requests: 20, failures: 0 },
      ...{ lasting: 900, moments: 1, usual: 0 },
    });
    // It lasts as long as there are failures, not as long as nobody comes.
    expect(window.read(60_000, false).outages.all.errors.lasting).toBe(900);
    window.add(service(1, 1), 2_050);
    expect(window.read(2_050, false).outages.all.errors).toMatchObject({ lasting: 1_050, moments: 2 });
    window.add(service(21), 2_100);
    expect(window.read(2_100, false).outages.all.errors).toMatchObject({ service: { failures: 0 }, lasting: 0 });
  });

  test('whoever fails most at a side is left out, good requests and bad, as soon as that is known', () => {
    const window = new EvidenceWindow(LIMIT);
    const both = { ...of('service', 3, 1, 0), users: [[7, 2, 1, 0] as const, [8, 1, 0, 0] as const] };
    for (let at = 0; at < 10_000; at += 1_000)
      for (const side of ['service', 'monolith'] as const) window.add({ ...both, side }, at);
    const { all, others } = window.read(10_000, false);
    for (const side of ['service', 'monolith'] as const) {
      expect(all[side]).toMatchObject({ requests: 30, errors: 10 });
      expect(others[side]).toMatchObject({ requests: 12, errors: 1 });
    }
  });

  test('what clients did wrong says nothing, good or bad', () => {
    const window = new EvidenceWindow(LIMIT);
    window.add({ ...service(500, 2), clientErrors: 498 }, 0);
    expect(window.read(0, false).all.service).toEqual({ requests: 2, errors: 2, hard: 0 });
  });

  test('another step begins with nothing', () => {
    const window = new EvidenceWindow(LIMIT);
    for (let at = 0; at < 60_000; at += 100) {
      window.add(service(10, 9, 9), at);
      window.add(monolith(10), at);
    }
    expect(window.read(60_000, false).worse).toBeGreaterThan(1);
    window.restart();
    const { broadness, monolithBelow, ...left } = window.read(60_000, false);
    expect(new EvidenceWindow(LIMIT).read(60_000, false)).toMatchObject(left);
    // But who comes and who fails is known, and so is the monolith: near 100 % there is too little to learn it again.
    expect(broadness.users).toBe(20);
    expect(monolithBelow).toBeGreaterThan(1);
  });

  test('memory does not grow with time', () => {
    const window = new EvidenceWindow(LIMIT);
    for (let minute = 0; minute < 5_000; minute++) window.add(monolith(1), minute * 60_000);
    expect(window.read(300_000_000, false).all.monolith.requests).toBeLessThanOrEqual(11);
  });
});
