import { expect, test } from '@jest/globals';
import type { Side } from '@strangler/plan';
import fc from 'fast-check';
import { Duo, mapped } from './duo.ts';
import type { Stored } from './statement.ts';

/*
 * Rows that reach their user by either of several ways add nothing to the states of the explorer: to the rules a row is
 * of the aggregate that its leading way says, and one that changes its way leaves one and enters another, as a row does
 * that is given away. That the rules ask the leading way everywhere is what this looks for.
 */

const NULLABLE = ['order_id', 'return_id', 'author_id', 'editor_id', 'parcel_id', 'page_id'];
const orders = mapped('orders', ['id', 'user_id', 'text'], { user: 'user_id', unowned: 'monolith' });
const returns = mapped('returns', ['id', 'user_id', 'text'], { user: 'user_id', unowned: 'monolith' });
const ofEither = [
  { through: 'order_id', of: 'orders' },
  { through: 'return_id', of: 'returns' },
];
const listed = (name: string, columns: readonly string[], user: Parameters<typeof mapped>[2]['user']) =>
  mapped(name, ['id', ...columns, 'text'], { user, unowned: 'monolith' }, NULLABLE);
const parcels = listed('parcels', ['order_id', 'return_id'], ofEither);
const pages = listed('pages', ['author_id', 'editor_id'], ['author_id', 'editor_id']);
const memos = listed(
  'memos',
  ['author_id', 'parcel_id', 'page_id'],
  ['author_id', { through: 'parcel_id', of: 'parcels' }, { through: 'page_id', of: 'pages' }],
);
const TABLES = [orders, returns, parcels, pages, memos];

/** Whose a row is, said once more and without the rules. */
function userOf(duo: Duo, side: Side, name: string, id: unknown): unknown {
  const row = duo.rows(side, name).find((one) => one.id === id);
  if (!row) return null;
  const above = (table: string, key: unknown) => userOf(duo, side, table, key);
  if (name === 'parcels') {
    if (row.order_id !== null) return above('orders', row.order_id);
    return row.return_id === null ? null : above('returns', row.return_id);
  }
  if (name === 'pages') return row.author_id ?? row.editor_id;
  if (name !== 'memos') return row.user_id;
  if (row.author_id !== null) return row.author_id;
  if (row.parcel_id !== null) return above('parcels', row.parcel_id);
  return row.page_id === null ? null : above('pages', row.page_id);
}

const user = fc.constantFrom('ada', 'bob', null);
const place = fc.constantFrom('1', '2', null);
const side = fc.constantFrom<Side>('monolith', 'service');
const write = <T extends string>(name: T, columns: Record<string, fc.Arbitrary<string | null>>) =>
  fc.record({ name: fc.constant(name), side, columns: fc.record(columns, { requiredKeys: [] }) });
const actions = fc.oneof(
  write('orders', { user_id: user }),
  write('returns', { user_id: user }),
  write('parcels', { order_id: place, return_id: place }),
  write('pages', { author_id: user, editor_id: user }),
  write('memos', { author_id: user, parcel_id: fc.constantFrom('1', null), page_id: fc.constantFrom('1', null) }),
  fc.record({
    name: fc.constant('turn' as const),
    direction: fc.constantFrom('forward' as const, 'reverse' as const),
    atOnce: fc.integer({ min: 1, max: 3 }),
  }),
);

test('whatever owners write, and however their rows change their ways, both sides come to have the same', async () => {
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(actions, { maxLength: 14 }), async (all) => {
      const of = (user_id: string, id: string): Stored => ({ id, user_id, text: '-' });
      const duo = new Duo(
        TABLES,
        {
          ...{ orders: [of('ada', '1'), of('bob', '2')], returns: [of('ada', '1'), of('bob', '2')] },
          parcels: [{ id: '1', order_id: '1', return_id: null, text: '-' }],
          pages: [{ id: '1', author_id: 'ada', editor_id: null, text: '-' }],
          memos: [{ id: '1', author_id: 'ada', parcel_id: null, page_id: null, text: '-' }],
        },
        ['ada'],
      );
      for (const [at, one] of all.entries()) {
        if (one.name === 'turn') await duo.turn(one.direction, one.atOnce);
        else if ((userOf(duo, one.side, one.name, '1') === 'ada') === (one.side === 'service')) {
          written++;
          await duo.writes(one.side, (put) => put(one.name, '1', { ...one.columns, text: `${one.side} ${at}` }));
        }
      }
      await duo.settle();
      for (const { name } of TABLES) expect(duo.rows('service', name)).toEqual(duo.rows('monolith', name));
    }),
    { numRuns: Number(process.env.RUNS ?? 1_000), ...(process.env.SEED && { seed: Number(process.env.SEED) }) },
  );
  expect(written).toBeGreaterThan(1_000);
});

test('what an owner says of a row that has gone below another one is said of that one’s user', async () => {
  const memo = { id: '1', author_id: 'ada', parcel_id: null, page_id: null, text: '-' };
  const page = { id: '1', author_id: 'carl', editor_id: null, text: '-' };
  const duo = new Duo(TABLES, { memos: [memo], pages: [page] }, ['ada', 'carl']);
  await duo.writes('service', (put) => put('memos', '1', { author_id: null, page_id: '1' }));
  await duo.writes('monolith', (put) => put('memos', '1', { text: 'a job’s' }));
  await duo.turn('forward', 1);
  expect(duo.corrections('service')).toMatchObject([{ user: 'carl', roots: [{ table: 'memos' }] }]);
});

test('a row that goes takes along what leads through it; what another way leads elsewhere is not torn off', async () => {
  const of = (id: string, more: Stored): Stored => ({ id, order_id: null, return_id: '1', text: '-', ...more });
  const given = (user_id: string): Stored => ({ id: '1', user_id, text: '-' });
  const duo = new Duo(
    TABLES,
    { orders: [given('bob')], returns: [given('ada')], parcels: [of('1', {}), of('2', { order_id: '1' })] },
    ['ada'],
  );
  await duo.writes('monolith', (put) => {
    put('parcels', '1', null);
    put('returns', '1', null);
  });
  await duo.settle();
  expect(duo.kept().filter((one) => one.includes('open'))).toEqual([]);
  for (const on of ['monolith', 'service'] as const) {
    expect([duo.rows(on, 'returns'), duo.rows(on, 'parcels')]).toEqual([[], [of('2', { order_id: '1' })]]);
  }
});
