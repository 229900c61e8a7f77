import { describe, expect, test } from '@jest/globals';
import type { Side } from '@strangler/plan';
import { Duo, mapped } from './duo.ts';
import type { Stored } from './statement.ts';

const orders = mapped('orders', ['id', 'user_id', 'notes', 'rank'], { user: 'user_id', unowned: 'monolith' });
const items = mapped('items', ['id', 'order_id', 'sku'], { user: { through: 'order_id', of: 'orders' } });
const ranked = mapped('orders', ['id', 'user_id', 'notes', 'rank'], {
  ...{ user: 'user_id', unowned: 'monolith' },
  writers: [{ by: 'a job', columns: ['rank'] }],
});
const order = (user_id: string | null, notes = '-', rank = '0') => ({ id: '1', user_id, notes, rank });

/** Both sides alike, and what they hold. */
function alike(duo: Duo, name: string): readonly Stored[] {
  const [monolith, service] = (['monolith', 'service'] as const satisfies Side[]).map((side) => duo.rows(side, name));
  expect(service).toEqual(monolith);
  return monolith!;
}
const note = (duo: Duo, side: Side, after: Stored) => duo.writes(side, (put) => put('orders', '1', after));

describe('rows of nobody stay the monolith’s, wherever everybody else is', () => {
  test.each([['everybody'], [['ada']]] as const)('%s on the service', async (services) => {
    const duo = new Duo([orders], { orders: [order(null)] }, services === 'everybody' ? services : [...services]);
    await note(duo, 'monolith', { notes: 'by the monolith' });
    await note(duo, 'service', { notes: 'by the service' });
    await duo.settle();
    expect(alike(duo, 'orders')).toEqual([order(null, 'by the monolith')]);
    expect(duo.kept()).toContain('monolith: open rogue-write orders 1');
  });

  test('so are those of a user whom no request can name: nothing bounces', async () => {
    const duo = new Duo([orders], { orders: [order('')] }, ['ada']);
    await note(duo, 'monolith', { notes: 'a guest’s' });
    await duo.settle();
    expect(alike(duo, 'orders')).toEqual([order('', 'a guest’s')]);
    expect(duo.kept()).toEqual([]);
  });
});

describe('a row that changes hands', () => {
  test.each([1, 2])('and is written again in the same transaction, is late as a whole (%i at once)', async (atOnce) => {
    const duo = new Duo([orders], { orders: [order('ada')] }, ['ada']);
    await note(duo, 'service', { notes: 'ada’s own' });
    await duo.writes('monolith', (put) => {
      put('orders', '1', { user_id: 'bob' });
      put('orders', '1', { notes: 'bob’s' });
    });
    await duo.settle(atOnce);
    expect(alike(duo, 'orders')).toEqual([order('ada', 'ada’s own')]);
  });

  test.each([1, 3])('a service’s row that is nobody’s first is one late change (%i at once)', async (atOnce) => {
    const duo = new Duo([orders], { orders: [] }, ['ada']);
    await duo.writes('service', (put) => {
      put('orders', '1', order(null));
      put('orders', '1', { user_id: 'ada' });
      put('orders', '1', { notes: 'ada’s' });
    });
    await duo.settle(atOnce);
    expect(alike(duo, 'orders')).toEqual([order('ada', 'ada’s')]);
    expect(duo.kept().filter((one) => one.includes('open'))).toEqual([]);
  });

  test.each([1, 3])('and no dispute if its user has gone on with it meanwhile (%i at once)', async (atOnce) => {
    const duo = new Duo([orders], { orders: [] }, ['ada']);
    await duo.writes('service', (put) => put('orders', '1', order(null)));
    await note(duo, 'service', { user_id: 'ada' });
    await note(duo, 'service', { notes: 'ada’s' });
    await duo.settle(atOnce);
    expect(alike(duo, 'orders')).toEqual([order('ada', 'ada’s')]);
    expect(duo.kept().filter((one) => one.includes('open'))).toEqual([]);
  });

  test.each([1, 2])('does not make what was written below it before its new user’s (%i at once)', async (atOnce) => {
    const item = { id: '7', order_id: '1', sku: '-' };
    const duo = new Duo([orders, items], { orders: [order('ada')], items: [item] }, ['ada']);
    await duo.writes('service', (put) => put('items', '7', { sku: 'ada’s' }));
    await duo.writes('monolith', (put) => put('items', '7', { sku: 'a job’s' }));
    await note(duo, 'monolith', { user_id: 'bob' });
    await duo.settle(atOnce);
    expect(alike(duo, 'items')).toMatchObject([{ sku: 'ada’s' }]);
  });
});

describe('declared writers', () => {
  test('what the owner writes into a declared column is not taken, and kept', async () => {
    const duo = new Duo([ranked], { orders: [order('ada')] }, ['ada']);
    await note(duo, 'service', { rank: '9', notes: 'ada’s' });
    await duo.settle();
    expect(duo.rows('monolith', 'orders')).toEqual([order('ada', 'ada’s')]);
    expect(duo.kept()).toEqual(['monolith: kept overwritten']);
  });

  test.each([1, 2])('a row that was deleted and made again is a new one (%i at once)', async (atOnce) => {
    const duo = new Duo([ranked], { orders: [order('ada', '-', '5')] }, ['ada']);
    await duo.writes('service', (put) => put('orders', '1', null));
    await duo.writes('service', (put) => put('orders', '1', order('ada')));
    await duo.settle(atOnce);
    expect(alike(duo, 'orders')).toEqual([order('ada')]);
    expect(duo.kept()).toEqual([]);
  });

  test('are no alarm: the same value once more, a row deleted meanwhile, beside the owner’s write', async () => {
    const duo = new Duo([ranked], { orders: [order('ada')] }, ['ada']);
    await note(duo, 'monolith', { rank: '1' });
    await note(duo, 'service', { notes: 'ada’s' });
    await duo.settle();
    expect(alike(duo, 'orders')).toEqual([order('ada', 'ada’s', '1')]);
    await duo.writes('service', (put) => put('orders', '1', null));
    await note(duo, 'monolith', { rank: '2' });
    await duo.settle();
    expect([alike(duo, 'orders'), duo.kept()]).toEqual([[], []]);
  });
});

describe('faults 86: replies to an order, stars for a reply, and a bookmark, each of another user', () => {
  const replies = mapped('replies', ['id', 'user_id', 'order_id'], { user: 'user_id', unowned: 'monolith' });
  const stars = mapped('stars', ['id', 'user_id', 'reply_id'], { user: 'user_id', unowned: 'monolith' });
  const marks = mapped('marks', ['id', 'user_id', 'order_id'], { user: 'user_id', unowned: 'monolith' }, ['order_id']);
  const tables = [orders, items, replies, stars, marks];
  const keys = [
    { child: 'replies', parent: 'orders', pairs: [['order_id', 'id']], onDelete: 'RESTRICT' },
    { child: 'stars', parent: 'replies', pairs: [['reply_id', 'id']], onDelete: 'CASCADE' },
    { child: 'marks', parent: 'orders', pairs: [['order_id', 'id']], onDelete: 'SET NULL' },
    { child: 'items', parent: 'orders', pairs: [['order_id', 'id']], onDelete: 'CASCADE' }, // of one user
  ] as const;
  const reply = { id: '5', user_id: 'bob', order_id: '1' };
  const star = { id: '7', user_id: 'carl', reply_id: '5' };
  const mark = { id: '9', user_id: 'bob', order_id: '1' };
  /** ada lives on the service, bob and carl on the monolith. */
  const world = (more: Record<string, Stored[]> = {}) =>
    new Duo(tables, { orders: [order('ada')], ...more }, ['ada'], keys);
  const goes: (duo: Duo) => Promise<void> = (duo) => duo.writes('service', (put) => put('orders', '1', null));

  test.each([1, 3])('what was born below a row that goes is on neither side, and kept (%i at once)', async (atOnce) => {
    const duo = world();
    await goes(duo);
    await duo.writes('monolith', (put) => put('replies', '5', reply));
    await duo.writes('monolith', (put) => put('stars', '7', star));
    await duo.settle(atOnce);
    for (const { name } of tables) expect(alike(duo, name)).toEqual([]);
    expect(duo.rows('service', 'strangler_quarantine').map(({ cause, row_key }) => `${cause} ${row_key}`)).toEqual(
      expect.arrayContaining(['orphaned 5', 'orphaned 7']),
    );
    expect(duo.rows('monolith', 'strangler_quarantine')).toHaveLength(2);
  });

  test('one that may be without it loses the reference instead', async () => {
    const duo = world();
    await goes(duo);
    await duo.writes('monolith', (put) => put('marks', '9', mark));
    await duo.settle();
    expect(alike(duo, 'marks')).toEqual([{ ...mark, order_id: null }]);
    expect(duo.kept()).toEqual(['monolith: kept orphaned', 'service: kept orphaned']);
  });

  test('one that its author puts below another row in the meantime, which goes as well', async () => {
    const duo = world({ orders: [order('ada'), { ...order('ada'), id: '2' }], replies: [reply] });
    await duo.writes('service', (put) => put('orders', '2', null));
    await duo.writes('monolith', (put) => put('replies', '5', { order_id: '2' }));
    await duo.settle();
    expect(alike(duo, 'replies')).toEqual([]);
    expect(duo.kept()).toEqual(['monolith: kept orphaned', 'service: kept orphaned']);
  });

  test.each([1, 2, 3])('stays if what it refers to is made again under the same key (%i at once)', async (atOnce) => {
    const duo = world();
    await duo.writes('service', (put) => {
      put('orders', '1', null);
      put('orders', '1', order('ada', 'again'));
    });
    await duo.writes('monolith', (put) => put('replies', '5', reply));
    await duo.settle(atOnce);
    expect([alike(duo, 'orders'), alike(duo, 'replies')]).toEqual([[order('ada', 'again')], [reply]]);
    expect(duo.kept()).toEqual([]);
  });

  test.each(['orders first', 'replies first'])('one transaction brings both, %s', async (which) => {
    const duo = new Duo(tables, {}, ['ada'], keys);
    await duo.writes('monolith', (put) => {
      if (which === 'replies first') put('replies', '5', reply); // a constraint may be deferred
      put('orders', '1', order('bob'));
      if (which === 'orders first') put('replies', '5', reply);
    });
    await duo.settle();
    expect([alike(duo, 'replies'), duo.kept()]).toEqual([[reply], []]);
  });

  test('a row that is given to another user keeps what refers to it', async () => {
    const duo = world({ replies: [reply] });
    await note(duo, 'service', { user_id: 'bob' });
    await duo.settle();
    expect(alike(duo, 'replies')).toEqual([reply]);
    expect(duo.kept().filter((one) => one.includes('orphaned'))).toEqual([]);
  });

  test('what an application deletes with it itself is nobody’s orphan', async () => {
    const duo = new Duo(tables, { orders: [order('ada')], replies: [{ ...reply, user_id: 'ada' }] }, ['ada'], keys);
    await duo.writes('service', (put) => {
      put('replies', '5', null);
      put('orders', '1', null);
    });
    await duo.settle();
    expect([alike(duo, 'replies'), duo.kept()]).toEqual([[], []]);
  });

  test('a source that owns everybody is followed as it is', async () => {
    const duo = new Duo(tables, { orders: [order('ada')], replies: [reply] }, 'everybody', keys);
    await goes(duo);
    await duo.settle();
    expect([alike(duo, 'replies'), duo.kept()]).toEqual([[reply], []]); // its database did not mind
  });
});

test('of two users who have the same thing, none may lose it to the other: sameWhen holds the user', () => {
  expect(() =>
    mapped('articles', ['id', 'user_id', 'slug'], { user: 'user_id', unowned: 'monolith', sameWhen: ['slug'] }),
  ).toThrow('sameWhen must hold the column that leads to the user');
});
