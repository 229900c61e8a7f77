import { describe, expect, test } from '@jest/globals';
import type { Status } from '@strangler/plan';
import type { Line } from '../screen.ts';
import { panelOf, type View } from './panel.ts';

const status = {
  capabilities: [
    { capability: 'notifications', boundary: 10_000, target: 10_000, streams: [{ lag: 12 }, { lag: 14 }] },
    { capability: 'orders', boundary: 2_500, target: 5_000, streams: [{ lag: 18 }, { lag: 9 }] },
  ],
} as unknown as Status;

const view: View = {
  now: 10_000,
  keys: undefined,
  share: 0.619,
  ledger: { acknowledged: 7_802, found: 7_799, lost: 0 },
  customers: { requests: 14_203, retried: 212, errors: 0 },
  status,
  waiting: 41,
  bleeding: [],
};

const textOf = (lines: Line[]): string[] => lines.map((line) => (typeof line === 'string' ? line : line.text));
const red = (lines: Line[]): string[] =>
  lines.flatMap((line) => (typeof line !== 'string' && line.tone === 'red' ? [line.text] : []));

describe('the panel', () => {
  test('shows the ledger, the customers, every boundary and the lag', () => {
    expect(textOf(panelOf(view))).toEqual([
      '',
      '  ledger    7,802 acknowledged   7,799 found in both   3 under way   0 lost',
      '  customers 61 % of the purchases   14,203 requests   212 retried   0 errors',
      '  boundary  █████░░░░░░░░░░░░░░░ orders 25 % → 50 %',
      '  boundary  ████████████████████ notifications 100 %',
      '  lag       streams 18 ms   oldest purchase on its way 41 ms',
    ]);
    expect(red(panelOf(view))).toEqual([]);
  });

  test('names the keys if somebody sits there, on lines that a narrow terminal holds', () => {
    const names = ['proxy', 'control', 'cdc', 'orders', 'notifications', 'Connect', 'Kafka', 'Postgres', 'MySQL'];
    const keys = names.map((name, at) => ({ key: 'pcdonwkgm'[at]!, name }));
    const legend = textOf(panelOf({ ...view, keys })).slice(1, 3);
    expect(legend).toEqual([
      '  press     p proxy   c control   d cdc   o orders   n notifications',
      '  to kill   w Connect   k Kafka   g Postgres   m MySQL',
    ]);
  });

  test('says in red what is down, what is catching up, and what is lost', () => {
    const down = { victim: 'Kafka', share: 0.5, at: 7_900, byItself: false };
    const lines = panelOf({
      ...view,
      ledger: { acknowledged: 7_802, found: 7_799, lost: 1 },
      bleeding: [down, { ...down, victim: 'cdc', at: 9_000, back: 9_900 }],
    });
    expect(red(lines)).toEqual([
      '  ledger    7,802 acknowledged   7,799 found in both   2 under way   1 lost',
      '  wounded   Kafka, killed 2.1 s ago: down',
      '  wounded   cdc, killed 1.0 s ago: back, catching up',
    ]);
  });

  test('does not invent a boundary or a lag while control is silent, and knows an infinite one', () => {
    expect(textOf(panelOf({ ...view, status: undefined })).slice(-2)).toEqual([
      '  boundary  control does not answer; users stay where they are',
      '  lag       streams ?   oldest purchase on its way 41 ms',
    ]);
    const [first] = status.capabilities;
    const silent = { capabilities: [{ ...first, streams: [{ lag: null }] }] } as unknown as Status;
    expect(textOf(panelOf({ ...view, status: silent })).at(-1)).toContain('streams ∞');
  });
});
