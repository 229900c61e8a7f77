import { expect, test } from '@jest/globals';
import type { KeptEntry } from '@strangler/ledger';
import type { DecisionRecord } from '@strangler/plan';
import { handoffsIn, whyKept } from './explained.ts';

const record = (event: string, inputs: object) => ({ event, inputs }) as unknown as DecisionRecord;
const handoffs = handoffsIn([
  record('handoff', { epoch: 1, urgent: false }),
  record('forced', { epoch: 2, urgent: true }),
  record('set', { percentage: 10 }),
]);
const entry = (over: Partial<KeptEntry>) =>
  ({
    table: 'Articles',
    aggregate: 'Articles 7',
    before: null,
    after: null,
    epoch: null,
    ...over,
  }) as unknown as KeptEntry;

test('what an urgent handoff has left behind is explained, an orderly one leaves only what nobody waits for', () => {
  expect(whyKept(entry({ epoch: 2 }), [], handoffs)).toMatch(/at once/);
  expect(whyKept(entry({ epoch: 1 }), [], handoffs)).toBeUndefined();
  const born = { epoch: 1, before: '{"authorId":null}', after: '{"authorId":"3"}' };
  expect(whyKept(entry(born), [], handoffs)).toMatch(/setAuthor/);
  expect(whyKept(entry({ ...born, before: '{"authorId":"3"}' }), [], handoffs)).toBeUndefined();
});

test('what no handoff explains is explained only by such a row of the same article', () => {
  const late = entry({ epoch: 2 });
  expect(whyKept(entry({}), [late], handoffs)).toMatch(/took over/);
  expect(whyKept(entry({ aggregate: 'Articles 8' }), [late], handoffs)).toBeUndefined();
});
