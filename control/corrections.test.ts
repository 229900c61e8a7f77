import { describe, expect, test } from '@jest/globals';
import type { CauseCount } from '@strangler/plan';
import { CorrectionAlerts, correctionGates, countsOf } from './corrections.ts';

const count = (given: Partial<CauseCount>): CauseCount => ({
  ...{ direction: 'reverse', cause: 'rogue-applied', rows: 0, open: 0, unexpected: 0 },
  ...given,
});

describe('what a stream has kept', () => {
  test('is unexpected until it is called expected, decided or still to be decided; never what is by design', () => {
    const row = { kept: 7, expected: 2, open: 1, sample: { id: 9, row: 'orders 4', user: 'ada' } };
    expect(countsOf('shop', 'forward', [{ cause: 'late-write', ...row }])).toEqual([
      {
        ...{ direction: 'forward', cause: 'late-write', rows: 7, open: 1, unexpected: 4 },
        sample: { entry: 'shop:forward:9', row: 'orders 4', user: 'ada' },
      },
    ]);
    for (const cause of ['retried-purchase', 'recopied', 'undone', 'born'] as const) {
      expect(countsOf('shop', 'forward', [{ cause, ...row, sample: undefined }])[0]!.unexpected).toBe(0);
    }
  });
});

describe('the gate (faults 85)', () => {
  test('is open while everything was expected', () => {
    expect(correctionGates('shop', [count({ rows: 3 }), count({ cause: 'retried-purchase', rows: 5 })])).toEqual([]);
  });

  test('names number, cause, side, a sample and the next step', () => {
    const sample = { entry: 'shop:reverse:12', row: 'orders 4', user: 'ada' };
    expect(correctionGates('shop', [count({ rows: 3, unexpected: 2, sample })])).toEqual([
      '2 rows written by somebody past the proxy were applied in the monolith (the last: orders 4 of user ada, shop:reverse:12); ' +
        'look: strangler quarantine list shop --settled --cause rogue-applied; if that is as it should be: ' +
        'strangler quarantine expect --all shop --cause rogue-applied --reason TEXT',
    ]);
  });
});

describe('an alert', () => {
  test('is raised for what nobody had looked at when control began, once', () => {
    const alerts = new CorrectionAlerts();
    const left = count({ rows: 3, unexpected: 1 });
    expect(alerts.look([left, count({ cause: 'overwritten', rows: 2 })], 0)).toEqual([left]);
    expect(alerts.look([left], 1_000_000)).toEqual([]);
  });

  test('is raised once for each batch, also while a rogue row waits for a decision; never for what is by design', () => {
    const alerts = new CorrectionAlerts();
    expect(alerts.look([], 0)).toEqual([]);
    const rogue = (rows: number) => count({ cause: 'rogue-write', rows, open: rows });
    expect(alerts.look([rogue(1)], 1)).toEqual([rogue(1)]);
    expect(alerts.look([rogue(5)], 50_000)).toEqual([]);
    expect(alerts.look([rogue(6)], 100_000)).toEqual([]);
    expect(alerts.look([rogue(6)], 300_000)).toEqual([]);
    expect(alerts.look([rogue(7)], 300_001)).toEqual([rogue(7)]);
    expect(alerts.look([rogue(7), count({ cause: 'born', rows: 40 })], 400_000)).toEqual([]);
  });
});
