import { bucketOf, type Side, type Table } from '@strangler/plan';
import { crossReferencesOf } from '../../cdc/mapping/cross-references.ts';
import { keyOf, type MappedTable, type Mapping, mapTable, type Row } from '../../cdc/mapping/mapping.ts';
import type { Rows } from '../../cdc/rows/aggregates.ts';
import type { RowStore } from '../../cdc/rows/row-store.ts';
import { tableOf } from '../../plan/testing/table.ts';
import type { Database, Working } from './database.ts';
import type { Stored } from './statement.ts';

export const CAPABILITY = 'shop';
export const GROUP = 'shop';

/** Two users of the shop, so far apart that one can move while the other does not. */
export const USERS = ['ada', 'bob'] as const;
export type User = (typeof USERS)[number];
const BUCKETS_OF: Readonly<Record<string, number>> = Object.fromEntries(
  USERS.map((user) => [user, bucketOf(GROUP, user)]),
);
export const bucket = (user: string): number => BUCKETS_OF[user]!;

const column = (name: string) => ({
  ...{ name, type: 'varchar', cast: 'varchar', digits: 0 },
  nullable: name === 'user_id',
});
const shape = (table: string, names: readonly string[]) => ({
  ...{ table, columns: names.map(column), generated: [], primaryKey: ['id'] },
});

function mapped(name: string, columns: readonly string[], declared: Partial<Table>): MappedTable {
  const reasons: string[] = [];
  const table = tableOf({ user: 'user_id', ...declared });
  const both = shape(name, columns);
  const postgres = { ...both, columns: both.columns.map((one) => ({ ...one, type: 'text' })) };
  const result = mapTable(name, table, 'text', both, postgres, reasons);
  if (!result) throw new Error(reasons.join('; '));
  return result;
}

const orders = mapped('orders', ['id', 'user_id', 'purchase', 'notes'], {
  ...{ sameWhen: ['user_id', 'purchase'], unowned: 'monolith' },
});
const items = mapped('items', ['id', 'order_id', 'sku'], { user: { through: 'order_id', of: 'orders' } });

const replies = mapped('replies', ['id', 'user_id', 'order_id', 'text'], { unowned: 'monolith' });
const TABLES = [orders, items, replies];

/** An order belongs to a user and is one purchase; its items belong to whom it belongs, and a reply to it to its own author. */
export const MAPPING: Mapping = new Map(TABLES.map((table) => [table.name, table]));

/** Both applications have their databases see to it that a reply has its order. */
const REFERENCES = crossReferencesOf(
  TABLES,
  (['monolith', 'service'] as const).map((side) => ({
    ...{ side, name: 'reply', child: 'replies', parent: 'orders', onDelete: 'CASCADE' },
    pairs: [['order_id', 'id']] as const,
  })),
);

export const TABLE_RULES = {
  orders: { key: ['id'], unique: ['user_id', 'purchase'] },
  items: { key: ['id'] },
  replies: { key: ['id'] },
};

/** The rows of a database as the applier sees them. */
export function rowsOf(working: Working): Rows {
  return {
    mapping: MAPPING,
    crossReferences: REFERENCES,
    side: working.dialect === 'mysql' ? 'monolith' : 'service',
    store: (table) => storeOf(working, table),
    kept: async (table, keys) =>
      keys.flatMap((key) => {
        const mine = working.rows('strangler_quarantine').filter(({ status, table_name, row_key }) => {
          return status !== 'kept' && table_name === table.name && row_key === keyOf(table, key);
        });
        const newest = mine.sort((a, b) => Number(b.id) - Number(a.id))[0];
        return newest ? [JSON.parse(String(newest.after_image ?? newest.before_image)) as Row] : [];
      }),
    waiting: async (table, keys) => {
      const names = keys.map((key) => keyOf(table, key));
      return working
        .rows('strangler_quarantine')
        .filter(({ status, cause, table_name, after_image }) => {
          return status === 'open' && /inapplicable$/.test(String(cause)) && table_name === table.name && after_image;
        })
        .map(({ row_key }) => String(row_key))
        .filter((key) => names.includes(key));
    },
    refused: async (aggregates) =>
      working
        .rows('strangler_quarantine')
        .filter(({ status, detail, cause }) => status === 'open' && detail !== null && /write$/.test(String(cause)))
        .map(({ aggregate }) => String(aggregate))
        .filter((aggregate) => aggregates.includes(aggregate)),
  };
}

function storeOf(working: Working, { name, key }: MappedTable): RowStore {
  const agree = (columns: readonly string[], a: Stored, b: Stored) => columns.every((one) => a[one] === b[one]);
  const find = (row: Row) => working.rows(name).find((stored) => agree(key, stored, row)) ?? null;
  return {
    read: async (columns, like) =>
      columns.length ? (working.rows(name).filter((row) => like.some((one) => agree(columns, row, one))) as Row[]) : [],
    holdKeys: async (keys) => keys.filter((row) => find(row)),
    add: async () => {},
    page: async () => working.rows(name) as Row[],
    async write(rows) {
      for (const row of rows) {
        const before = find(row);
        if (JSON.stringify(before) !== JSON.stringify(row)) working.change(name, before, row);
      }
    },
    async remove(rows) {
      for (const row of rows) {
        const before = find(row);
        if (before) working.change(name, before, null);
      }
    },
  };
}

/**
 * What a user asks of the application. Every request leaves its own mark, the letter of its place in the scenario: in
 * an order's notes, as the sku of an item, or in the text of a reply, so that a lost or doubled one is seen.
 */
export type Request = {
  readonly user: User;
  readonly does: 'buy' | 'note' | 'cancel' | 'add' | 'drop' | 'give' | 'draft' | 'claim' | 'answer' | 'edit';
  /** Which purchase of the user. */
  readonly purchase: string;
  /** For `drop`: the mark of the request that added the item. */
  readonly added?: string;
  /** The same click again, made once the place named here has ended without an answer. */
  readonly retries?: number;
  /** The only proxy it goes through, by its place; through any, unless said otherwise. */
  readonly through?: number;
  /** A job that writes into this side's database directly, whoever owns the user. */
  readonly past?: Side;
};

/** Whom an order is given to, or whose a user replies to, and what it is called there. */
export const receiverOf = (user: User): User => (user === 'ada' ? 'bob' : 'ada');
export const givenName = ({ user, purchase }: Request): string => `${purchase} of ${user}`;

export const markOf = (place: number): string => String.fromCharCode(97 + place);

/** Runs a request in a transaction of the application; false if it found nothing to do. */
export async function serve(working: Working, side: Side, request: Request, place: number): Promise<boolean> {
  const mark = markOf(place);
  const order = working.rows('orders').find((row) => row.user_id === request.user && row.purchase === request.purchase);
  const unclaimed = working.rows('orders').find((row) => row.user_id === null && row.purchase === request.purchase);
  // Odd numbers are the monolith's, even ones the service's.
  const id = String(10 + 2 * place + (side === 'monolith' ? 1 : 0));
  const theirs = working
    .rows('orders')
    .find((row) => row.user_id === receiverOf(request.user) && row.purchase === request.purchase);
  const repliesTo = (parent: Stored | undefined) =>
    working.rows('replies').filter((row) => row.order_id === parent?.id);
  const children = (parent: Stored) => working.rows('items').filter((row) => row.order_id === parent.id);
  const acts = {
    buy() {
      if (order) return false;
      working.change('orders', null, { id, user_id: request.user, purchase: request.purchase, notes: mark });
      working.change('items', null, { id, order_id: id, sku: mark });
      return true;
    },
    note() {
      if (!order) return false;
      working.change('orders', order, { ...order, notes: `${order.notes}${mark}` });
      return true;
    },
    cancel() {
      if (!order) return false;
      for (const item of children(order)) working.change('items', item, null);
      for (const reply of repliesTo(order)) working.change('replies', reply, null);
      working.change('orders', order, null);
      return true;
    },
    add() {
      if (!order) return false;
      working.change('items', null, { id, order_id: order.id!, sku: mark });
      return true;
    },
    give() {
      if (!order) return false;
      const given = { user_id: receiverOf(request.user), purchase: givenName(request), notes: `${order.notes}${mark}` };
      working.change('orders', order, { ...order, ...given });
      return true;
    },
    draft() {
      if (unclaimed) return false;
      working.change('orders', null, { id, user_id: null, purchase: request.purchase, notes: mark });
      return true;
    },
    claim() {
      if (!unclaimed) return false;
      const claimed = { user_id: request.user, notes: `${unclaimed.notes}${mark}` };
      working.change('orders', unclaimed, { ...unclaimed, ...claimed });
      return true;
    },
    answer() {
      if (!theirs) return false;
      working.change('replies', null, { id, user_id: request.user, order_id: theirs.id!, text: mark });
      return true;
    },
    edit() {
      const reply = repliesTo(theirs).find(({ user_id }) => user_id === request.user);
      if (!reply) return false;
      working.change('replies', reply, { ...reply, text: `${reply.text}${mark}` });
      return true;
    },
    drop() {
      const item = order && children(order).find(({ sku }) => sku === request.added);
      if (!item) return false;
      working.change('items', item, null);
      return true;
    },
  };
  return working.transaction(false, async () => acts[request.does]());
}

/** What both databases hold at first: one order of each user, with one item. */
export function stocked(): Database['tables'] {
  const order = (user: User, id: string) => ({ id, user_id: user, purchase: 'x', notes: '-' });
  const item = (id: string) => ({ id, order_id: id, sku: '-' });
  return {
    orders: USERS.map((user, at) => order(user, String(at + 1))),
    items: USERS.map((_, at) => item(String(at + 1))),
  };
}
