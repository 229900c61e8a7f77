import { describe, expect, test } from '@jest/globals';
import type { Counts } from '@strangler/plan';
import { EvidenceWindow } from './evidence.ts';

const counts = (over: Partial<Counts>): Counts => ({
  ...{ capability: 'shop', side: 'service', requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 0 },
  writers: [],
  ...over,
});

describe('evidence', () => {
  test('both sides are counted over the same time', () => {
    const window = new EvidenceWindow();
    window.add(counts({ requests: 3, errors: 1 }), 0);
    window.add(counts({ side: 'monolith', requests: 5 }), 10);
    window.add(counts({ requests: 2 }), 500);
    const { all } = window.read(600, 10);
    expect(all).toEqual({
      service: { requests: 5, errors: 1, hard: 0 },
      monolith: { requests: 5, errors: 0, hard: 0 },
    });
  });

  test('a burst is the shortest newest stretch that holds the hard failures, at any rate of requests', () => {
    const window = new EvidenceWindow();
    window.add(counts({ requests: 5_000 }), 0);
    for (let minute = 1; minute <= 5; minute++)
      window.add(counts({ requests: 2, errors: 2, hard: 2 }), minute * 60_000);
    expect(window.read(300_000, 10).burst.service).toEqual({ requests: 10, errors: 10, hard: 10 });
    expect(window.read(300_000, 11).burst.service.requests).toBe(0);
  });

  test('recent forgets after half a minute, everything after ten', () => {
    const window = new EvidenceWindow();
    window.add(counts({ requests: 1 }), 0);
    expect(window.read(40_000, 10)).toMatchObject({
      recent: { service: { requests: 0 } },
      all: { service: { requests: 1 } },
    });
    window.add(counts({ requests: 1 }), 700_000);
    expect(window.read(700_000, 10).all.service.requests).toBe(1);
  });

  test('another step begins with nothing', () => {
    const window = new EvidenceWindow();
    window.add(counts({ requests: 9 }), 0);
    window.restart();
    expect(window.read(0, 10).all.service.requests).toBe(0);
  });
});
