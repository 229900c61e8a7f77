import { describe, expect, test } from '@jest/globals';
import { type Evidence, EvidenceWindow } from './evidence.ts';
import { judge } from './judge.ts';
import type { Outage } from './tallies.ts';

const THRESHOLDS = { errors: 0.05, hardFailures: 10, minimumRequests: 50 };
const tally = (requests: number, errors = 0, hard = 0) => ({ requests, errors, hard });
const failing = (requests: number, failures = 0) => ({ requests, failures });
const NO_OUTAGE: Outage = { service: failing(0), monolith: failing(0), lasting: 0, moments: 0, usual: 0 };
const NONE = { hard: NO_OUTAGE, errors: NO_OUTAGE };
const of = (service: ReturnType<typeof tally>, monolith = tally(0), more: Partial<Evidence> = {}): Evidence => ({
  all: { service, monolith },
  others: { service, monolith },
  lately: service.requests ? service.errors / service.requests : 0,
  requests: service.requests,
  silentFor: 0,
  outages: { all: NONE, others: NONE },
  users: { service: failing(0), monolith: failing(0) },
  broadness: { users: 20, needed: 5 },
  worse: 0,
  above: 0,
  worseNow: 20,
  monolithBelow: 1,
  alone: false,
  ...more,
});
const HALF = { service: failing(100, 85) };
/** All of the service’s requests have been failing, whoever is left out. */
const outage = (way: 'hard' | 'errors', service: number, monolith = failing(0), more: Partial<Outage> = {}) => {
  const found = { ...NONE, [way]: { ...NO_OUTAGE, service: failing(service, service), monolith, ...more } };
  return { outages: { all: found, others: found } };
};
/** The same, but without the user who fails most so much has failed. */
const others = (way: 'hard' | 'errors', service: number, left: number) => ({
  outages: { all: outage(way, service).outages.all, others: outage(way, left, failing(100)).outages.others },
});
const verdict = (evidence: Evidence) => {
  const { verdict, rule } = judge(evidence, THRESHOLDS);
  return `${verdict} ${rule}`;
};

describe('judge', () => {
  test.each([
    ['faults 50: no requests are no verdict', of(tally(0)), 'unsure few-requests'],
    ['faults 50: 49 good requests are none either', of(tally(49), tally(1_000)), 'unsure few-requests'],
    ['faults 50: 49 are none, however clear', of(tally(49, 49), tally(1_000), { worse: 1 }), 'unsure few-requests'],
    ['enough good requests pass', of(tally(50), tally(1_000)), 'pass errors'],
    ['… if the newest is no more than a minute old', of(tally(50), tally(1_000), { silentFor: 60_000 }), 'pass errors'],
    [
      'what was good before the service fell silent is no reason to go on',
      of(tally(50), tally(1_000), { silentFor: 60_001 }),
      'unsure few-requests',
    ],
    ['errors within the limit, like the monolith’s, pass', of(tally(1_000, 10), tally(1_000, 9)), 'pass errors'],
    ['above the limit and clearly worse fails', of(tally(100, 20), tally(900, 2), { worse: 1 }), 'fail errors'],
    ['above the limit, but not clearly worse, holds', of(tally(100, 20), tally(900, 2)), 'unsure not-clear'],
    ['faults 52: both sides bad alike: nobody is blamed', of(tally(500, 100), tally(500, 98)), 'unsure both-sides'],
    ['clearly worse within the limit holds', of(tally(400, 8), tally(400), { worse: 1 }), 'unsure worse-within-limit'],
    [
      'faults 52: clearly worse for a long time, but not in what both sides suffer now, holds',
      of(tally(100, 20), tally(900, 180), { worse: 1, worseNow: 19 }),
      'unsure worse-within-limit',
    ],
    ['bad lately holds, however good before', of(tally(1_000, 9), tally(1_000), { lately: 0.06 }), 'unsure not-clear'],
    [
      'clearly bad lately fails, however good before',
      of(tally(1e5, 300), tally(1e5, 50), { lately: 0.1, worse: 1 }),
      'fail errors',
    ],
    ['alone, the limit decides', of(tally(200, 60), tally(0), { above: 1, alone: true }), 'fail errors-alone'],
    [
      '… also with a pinned account or two on the monolith, of whom little is known',
      of(tally(200, 60), tally(60), { above: 1, alone: true }),
      'fail errors-alone',
    ],
    [
      'faults 52: … unless they fail, too',
      of(tally(200, 60), tally(60, 20), { above: 1, alone: true }),
      'unsure both-sides',
    ],
    ['… and just above it is not clear', of(tally(200, 12), tally(0), { alone: true }), 'unsure not-clear'],
    [
      'the limit decides if the monolith is known to keep it, whatever its few requests came to',
      of(tally(200, 60), tally(9, 1), { above: 1, monolithBelow: 1_000 }),
      'fail errors-alone',
    ],
    [
      'faults 52: … and not if the monolith may be as bad',
      of(tally(200, 60), tally(9), { above: 1, monolithBelow: 900 }),
      'unsure monolith-unknown',
    ],
    ['ten hard failures fail', of(tally(10), tally(10), outage('hard', 10, failing(10))), 'fail hard-failures'],
    ['… of one user do not', of(tally(100), tally(100), others('hard', 99, 4)), 'pass errors'],
    ['… of somebody else, too, do', of(tally(10), tally(100), others('hard', 10, 5)), 'fail hard-failures'],
    ['nine do not', of(tally(9), tally(10), outage('hard', 9, failing(10))), 'unsure few-requests'],
    ['ten fail alone', of(tally(10), tally(0), { ...outage('hard', 10), alone: true }), 'fail hard-failures'],
    [
      'a monolith that is as good as silent is waited for, whatever its few requests came to',
      of(tally(10), tally(4), outage('hard', 10, failing(4, 3), { lasting: 29_999, moments: 10 })),
      'unsure few-requests',
    ],
    [
      '… but not for ever',
      of(tally(10), tally(4), outage('hard', 10, failing(4, 3), { lasting: 30_000, moments: 10 })),
      'fail hard-failures',
    ],
    [
      'faults 52: both down in a quiet night are both down, if the few who ask the monolith get no answer either',
      of(tally(10), tally(2), outage('hard', 10, failing(2, 2), { lasting: 600_000, moments: 10 })),
      'unsure both-sides',
    ],
    [
      '… of which one alone says nothing',
      of(tally(10), tally(1), outage('hard', 10, failing(1, 1), { lasting: 600_000, moments: 10 })),
      'fail hard-failures',
    ],
    [
      '… which a service that answers nothing but errors cannot hide behind either',
      of(tally(100, 100), tally(0), outage('errors', 100, failing(0), { lasting: 30_000, moments: 10 })),
      'fail outage',
    ],
    [
      '… unless they are the errors of some who try again at once',
      of(tally(100, 100), tally(0), outage('errors', 100, failing(0), { lasting: 60_000, moments: 9 })),
      'unsure not-clear',
    ],
    [
      '… or the service does answer now and then',
      of(tally(100, 85), tally(0), outage('errors', 1, failing(0), { ...HALF, lasting: 60_000, moments: 60 })),
      'unsure not-clear',
    ],
    [
      'hard failures as usual do not',
      of(tally(40), tally(40), outage('hard', 10, failing(9), { usual: 0.01 })),
      'unsure few-requests',
    ],
    [
      '… but a service that has been dead for half a minute is, however many errors are usual',
      of(tally(40, 38), tally(900, 40), {
        ...outage('hard', 38, failing(100, 5), { usual: 0.05, lasting: 30_000, moments: 20 }),
        lately: 0.9,
      }),
      'fail hard-failures',
    ],
    [
      '… and not if the errors of both could be chance',
      of(tally(40, 38), tally(900, 40), {
        ...outage('hard', 38, failing(10, 5), { usual: 0.05, lasting: 30_000, moments: 20 }),
        lately: 0.1,
      }),
      'unsure few-requests',
    ],
    [
      'faults 52: hard failures of both sides blame nobody',
      of(tally(10), tally(30), outage('hard', 10, failing(30, 30))),
      'unsure both-sides',
    ],
    [
      'errors of everybody for twelve seconds fail',
      of(tally(100), tally(10), outage('errors', 100, failing(10), { lasting: 12_000 })),
      'fail outage',
    ],
    [
      '… not if they may be a moment’s',
      of(tally(100, 100), tally(10), outage('errors', 100, failing(10), { lasting: 11_999 })),
      'unsure not-clear',
    ],
  ] satisfies [string, Evidence, string][])('%s', (_, evidence, expected) => {
    expect(verdict(evidence)).toBe(expected);
  });

  test('clearly worse is not enough if no more of its users fail than of the monolith’s: it is they who fail', () => {
    const worse = of(tally(1_000, 110), tally(1_000, 80), { worse: 1, lately: 0.11 });
    const users = (service: number, monolith: number) => ({
      ...worse,
      users: { service: failing(100, service), monolith: failing(100, monolith) },
    });
    expect(verdict(users(11, 8))).toBe('unsure worse-within-limit');
    expect(verdict(users(30, 8))).toBe('fail errors');
    expect(verdict(users(50, 50))).toBe('fail errors');
  });

  test('what would take everybody back, but only few users meet, holds, alarms and says so', () => {
    const evidence = of(tally(100, 90), tally(100), {
      ...outage('hard', 10, failing(30)),
      broadness: { users: 2, needed: 5 },
    });
    expect(judge(evidence, THRESHOLDS)).toEqual({
      ...{ verdict: 'unsure', rule: 'few-users', alert: true },
      reason:
        '10 of the last 10 requests to the service failed hard; but the newest failures are of 2 users, and everybody is taken back for 5 or more: look at what they do; strangler rollback takes everybody back',
    });
  });

  test('faults 51: counts that are not numbers never pass', () => {
    expect(verdict(of(tally(Number.NaN)))).not.toMatch(/^pass/);
    expect(verdict(of(tally(100, Number.NaN), tally(100)))).not.toMatch(/^pass/);
    expect(verdict(of(tally(100), tally(100), { lately: Number.NaN }))).not.toMatch(/^pass/);
  });

  test('the same evidence gives the same verdict: a record can be judged again', () => {
    const window = new EvidenceWindow(THRESHOLDS.errors);
    for (let at = 0; at < 100_000; at += 100) {
      window.add({ side: 'service', ...tally(10, 3, 1), clientErrors: 0 }, at);
      window.add({ side: 'monolith', ...tally(10), clientErrors: 0 }, at);
    }
    const evidence = window.read(100_000, false);
    expect(judge(evidence, THRESHOLDS)).toMatchObject({ verdict: 'fail', rule: 'errors' });
    expect(judge(JSON.parse(JSON.stringify(evidence)), THRESHOLDS)).toEqual(judge(evidence, THRESHOLDS));
  });
});
