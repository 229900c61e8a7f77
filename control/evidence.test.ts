import { describe, expect, test } from '@jest/globals';
import { EvidenceWindow } from './evidence.ts';

const LIMIT = 0.05;
const service = (requests: number, errors = 0, hard = 0) => ({ side: 'service', requests, errors, hard }) as const;
const monolith = (requests: number, errors = 0, hard = 0) => ({ side: 'monolith', requests, errors, hard }) as const;

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

  test('an outage begins with a hard failure and ends when half of the requests are answered', () => {
    const window = new EvidenceWindow(LIMIT);
    window.add(service(5_000), 0);
    for (let at = 1_000; at < 2_000; at += 100) {
      window.add(service(1, 1, 1), at);
      window.add(monolith(2), at);
    }
    expect(window.read(2_000, false).outage).toMatchObject({
      service: { requests: 10, hard: 10 },
      monolith: { requests: 20, hard: 0 },
      lasting: 1_000,
    });
    window.add(service(10), 2_100);
    expect(window.read(2_100, false)).toMatchObject({ outage: { service: { hard: 0 }, lasting: 0 } });
    expect(window.read(2_100, false).usualHard).toBeCloseTo(10 / (5_040 + 1_000), 9);
  });

  test('a user who tries again and again, where there are few requests, is one hard failure', () => {
    const window = new EvidenceWindow(LIMIT);
    for (let minute = 0; minute < 60; minute++) window.add(service(1), minute * 60_000);
    for (let again = 0; again < 20; again++) window.add(service(1, 1, 1), 3_600_000 + again * 400);
    expect(window.read(3_610_000, false).outage.service).toEqual({ requests: 1, errors: 1, hard: 1 });
    for (let other = 0; other < 9; other++) window.add(service(1, 1, 1), 3_660_000 + other * 60_000);
    expect(window.read(4_200_000, false).outage.service.hard).toBe(10);
  });

  test('another step begins with nothing', () => {
    const window = new EvidenceWindow(LIMIT);
    for (let at = 0; at < 60_000; at += 100) {
      window.add(service(10, 9, 9), at);
      window.add(monolith(10), at);
    }
    expect(window.read(60_000, false).worse).toBeGreaterThan(1);
    window.restart();
    expect(window.read(60_000, false)).toEqual(new EvidenceWindow(LIMIT).read(60_000, false));
  });

  test('memory does not grow with time', () => {
    const window = new EvidenceWindow(LIMIT);
    for (let minute = 0; minute < 5_000; minute++) window.add(monolith(1), minute * 60_000);
    expect(window.read(300_000_000, false).all.monolith.requests).toBeLessThanOrEqual(11);
  });
});
