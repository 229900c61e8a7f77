import { countQuarantine, openSession, type Session } from '@strangler/ledger';
import { streamName } from '@strangler/plan';
import { differing, rowLines } from '../row-lines.ts';
import type { DatabaseUsers } from './addresses.ts';
import type { Input } from './input.ts';
import { stockEverything } from './load-shop.ts';
import type { ShoppingTally } from './tally.ts';

/** What both databases and the load generator’s own record add up to. */
export type Books = {
  readonly acknowledged: number;
  readonly mysql: { readonly orders: number; readonly cents: number };
  readonly postgres: { readonly orders: number; readonly cents: number };
  /** Purchases, of 1997 or acknowledged since, that a database does not hold. */
  readonly lost: number;
  /** Orders beyond the one that each purchase has. */
  readonly duplicated: number;
  /** Rows of mapped tables that are not the same in both databases, missing ones included. */
  readonly differing: number;
  readonly notifications: Expected;
  /** Pieces on the shelves. */
  readonly stock: Expected;
  /** Cents captured and not refunded. */
  readonly payments: Expected;
  readonly quarantine: { readonly open: number; readonly settled: number };
};

type Lines = ReturnType<typeof rowLines>;
type Expected = { readonly expected: number; readonly found: number };

/** Columns of the mapped tables. */
const TABLES = {
  orders: ['user_id', 'idempotency_key', 'status', 'total', '@created_at', '@updated_at'],
  order_items: ['order_id', 'product_id', 'quantity', 'unit_price'],
  notifications: ['user_id', 'kind', 'reference', 'title', 'body', '@read_at', '@created_at'],
} as const;

async function ordersOf(session: Session) {
  const { rows } = await session.query<{ user_id: number; idempotency_key: string; total: string }>(
    'SELECT user_id, idempotency_key, total FROM orders',
  );
  const keys = new Set(rows.map((row) => `${row.user_id}:${row.idempotency_key}`));
  const cents = rows.reduce((sum, { total }) => sum + Math.round(Number(total) * 100), 0);
  return { orders: rows.length, cents, keys };
}

async function one(session: Session, sql: string): Promise<number> {
  const { rows } = await session.query<{ n: string }>(sql);
  return Number(rows[0]?.n ?? 0);
}

/** Users’ notifications per purchase: `user:reference` → how many. */
async function notificationsOf(session: Session): Promise<Map<string, number>> {
  const { rows } = await session.query<{ user_id: number; reference: string; n: number }>(
    "SELECT user_id, reference, COUNT(*) AS n FROM notifications WHERE kind = 'order_placed' GROUP BY user_id, reference",
  );
  return new Map(rows.map((row) => [`${row.user_id}:${row.reference}`, Number(row.n)]));
}

/** Counts everything once. */
export async function countBooks(
  addresses: Record<'monolith' | 'orders' | 'notifications', DatabaseUsers>,
  input: Input,
  tally: ShoppingTally,
): Promise<Books> {
  const sessions: Session[] = [];
  const open = async (users: DatabaseUsers) => {
    const session = await openSession(users.admin, 'reader');
    sessions.push(session);
    return session;
  };
  try {
    const mysql = await open(addresses.monolith);
    const ordersDb = await open(addresses.orders);
    const notificationsDb = await open(addresses.notifications);
    const purchases = [...input.history, ...input.live.filter(({ key }) => tally.acknowledged.has(key))];
    const wanted = new Set(purchases.map(({ userId, key }) => `${userId}:${key}`));
    const kept = purchases.filter(({ key }) => !tally.cancelled.has(key));

    const inMysql = await ordersOf(mysql);
    const inPostgres = await ordersOf(ordersDb);
    const lost = [...wanted].filter((key) => !inMysql.keys.has(key) || !inPostgres.keys.has(key)).length;
    const extra = ({ orders, keys }: typeof inMysql) =>
      orders - keys.size + [...keys].filter((key) => !wanted.has(key)).length;

    const heard = [await notificationsOf(mysql), await notificationsOf(notificationsDb)];
    const once = [...wanted].filter((key) => heard.every((side) => side.get(key) === 1)).length;

    let rowsDiffering = 0;
    for (const [table, session] of [
      ['orders', ordersDb],
      ['order_items', ordersDb],
      ['notifications', notificationsDb],
    ] as const) {
      const [a, b] = [mysql, session].map((side) => rowLines(side, table, TABLES[table])) as [Lines, Lines];
      rowsDiffering += differing(await a, await b).length;
    }
    const quarantines = await Promise.all([
      countQuarantine(ordersDb, streamName('orders', 'forward')),
      countQuarantine(notificationsDb, streamName('notifications', 'forward')),
      countQuarantine(mysql, streamName('orders', 'reverse')).then(async (orders) => {
        const notifications = await countQuarantine(mysql, streamName('notifications', 'reverse'));
        return { open: orders.open + notifications.open, settled: orders.settled + notifications.settled };
      }),
    ]);
    return {
      acknowledged: tally.acknowledged.size,
      mysql: { orders: inMysql.orders, cents: inMysql.cents },
      postgres: { orders: inPostgres.orders, cents: inPostgres.cents },
      lost,
      duplicated: Math.max(extra(inMysql), extra(inPostgres)),
      differing: rowsDiffering,
      notifications: { expected: wanted.size, found: once },
      stock: {
        expected: stockEverything(input) - kept.length,
        found: await one(mysql, 'SELECT SUM(stock) AS n FROM products'),
      },
      payments: {
        expected: kept.reduce((sum, { product }) => sum + product.cents, 0),
        found: await one(
          mysql,
          "SELECT CAST(SUM(amount) * 100 AS SIGNED) AS n FROM payments WHERE status = 'captured'",
        ),
      },
      quarantine: {
        open: quarantines.reduce((sum, { open: count }) => sum + count, 0),
        settled: quarantines.reduce((sum, { settled }) => sum + settled, 0),
      },
    };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** What is wrong with the books, in sentences; empty if they balance to the cent. */
export function mistakesIn(books: Books, input: Input): string[] {
  const wrong: string[] = [];
  const must = (what: string, expected: number, found: number) => {
    if (expected !== found) wrong.push(`${what}: ${found}, and it should be ${expected}`);
  };
  const purchases = [...input.history, ...input.live];
  const cents = purchases.reduce((sum, { product }) => sum + product.cents, 0);
  must('purchases acknowledged', input.live.length, books.acknowledged);
  for (const [name, side] of [
    ['MySQL', books.mysql],
    ['Postgres', books.postgres],
  ] as const) {
    must(`orders in ${name}`, purchases.length, side.orders);
    must(`cents in ${name}`, cents, side.cents);
  }
  must('lost purchases', 0, books.lost);
  must('duplicated orders', 0, books.duplicated);
  must('differing rows', 0, books.differing);
  must('purchases with exactly one notification', books.notifications.expected, books.notifications.found);
  must('stock', books.stock.expected, books.stock.found);
  must('cents paid', books.payments.expected, books.payments.found);
  must('rows open in quarantine', 0, books.quarantine.open);
  return wrong;
}
