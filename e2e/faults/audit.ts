import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '@strangler/ledger';
import { Agent } from 'undici';
import type { Ledger } from './ledger.ts';
import { PRODUCTS, REGULARS, STOCK } from './load-shop.ts';
import { Shopper } from './shopper.ts';
import type { Stack } from './stack.ts';

/** What both databases, and the users themselves, say against the writer’s ledger. */
export type Audit = {
  readonly lost: number;
  readonly duplicated: number;
  readonly differing: number;
  /** Everything that is wrong, in sentences; empty if the books are perfect. */
  readonly mistakes: readonly string[];
};

type Order = { readonly id: string; readonly key: string; readonly status: string; readonly total: string };

const ASK_WITHIN_MS = 30_000;
const RETRY_MS = 250;
const TOLD = 5;

/** Columns compared between the databases, besides the primary key; a time to the microsecond. */
const TABLES = {
  orders: ['user_id', 'idempotency_key', 'status', 'total', '@created_at', '@updated_at'],
  order_items: ['order_id', 'product_id', 'quantity', 'unit_price'],
  notifications: ['user_id', 'kind', 'reference', 'title', 'body', '@read_at', '@created_at'],
} as const;

const TIME = {
  mysql: (column: string) => `DATE_FORMAT(${column}, '%Y-%m-%d %H:%i:%s.%f')`,
  postgres: (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`,
};

type Range = readonly [first: number, last: number];

/** Users of the past, whom faults write to directly. */
const REGULAR: Range = [1, 2 * REGULARS];

/** Every row of these users as one line of text by primary key. */
async function lines(session: Session, table: keyof typeof TABLES, users: Range): Promise<Map<string, string>> {
  const columns = TABLES[table].map((column) => {
    const value = column.startsWith('@') ? TIME[session.dialect](column.slice(1)) : column;
    return `COALESCE(CAST(${value} AS ${session.dialect === 'mysql' ? 'CHAR' : 'TEXT'}), '∅')`;
  });
  const theirs =
    table === 'order_items'
      ? 'order_id IN (SELECT id FROM orders WHERE user_id BETWEEN ? AND ?)'
      : 'user_id BETWEEN ? AND ?';
  const { rows } = await session.query<{ id: string; line: string }>(
    `SELECT id, CONCAT_WS('|', ${columns.join(', ')}) AS line FROM ${table} WHERE ${theirs}`,
    users,
  );
  return new Map(rows.map(({ id, line }) => [String(id), line]));
}

/** These users' orders, by Idempotency-Key. */
async function ordersOf(session: Session, users: Range): Promise<Map<string, Order[]>> {
  const { rows } = await session.query<{ id: string; idempotency_key: string; status: string; total: string }>(
    'SELECT id, idempotency_key, status, total FROM orders WHERE user_id BETWEEN ? AND ?',
    users,
  );
  const orders = rows.map(({ id, idempotency_key, status, total }) => ({
    id: String(id),
    key: idempotency_key,
    status,
    total,
  }));
  return Map.groupBy(orders, ({ key }) => key);
}

/** How many notifications each purchase of these users has. */
async function notificationsOf(session: Session, users: Range): Promise<Map<string, number>> {
  const { rows } = await session.query<{ reference: string; n: number }>(
    'SELECT reference, COUNT(*) AS n FROM notifications WHERE user_id BETWEEN ? AND ? GROUP BY reference',
    users,
  );
  return new Map(rows.map(({ reference, n }) => [reference, Number(n)]));
}

/** What each purchase of these users has paid, and not got back. */
async function paymentsOf(monolith: Session, users: Range): Promise<Map<string, string>> {
  const { rows } = await monolith.query<{ idempotency_key: string; amount: string }>(
    "SELECT idempotency_key, amount FROM payments WHERE user_id BETWEEN ? AND ? AND status = 'captured'",
    users,
  );
  return new Map(rows.map(({ idempotency_key, amount }) => [idempotency_key, amount]));
}

/** Pieces on the shelves and in open reservations; no purchase changes their sum. */
async function piecesOf(monolith: Session): Promise<number> {
  const { rows } = await monolith.query<{ shelves: string; held: string }>(
    `SELECT (SELECT SUM(stock) FROM products) AS shelves,
       (SELECT COALESCE(SUM(quantity), 0) FROM stock_reservations WHERE status = 'held') AS held`,
  );
  return Number(rows[0]!.shelves) + Number(rows[0]!.held);
}

/** Looks once. The users' purchases are all in the ledger, and nobody else's are. */
async function lookOnce(stack: Stack, ledger: Ledger, users: Range): Promise<Audit> {
  const { monolith, orders, notifications } = stack.addresses;
  const sessions: Session[] = [];
  try {
    for (const { admin } of [monolith, orders, notifications]) sessions.push(await openSession(admin, 'reader'));
    const [mysql, postgres, letters] = sessions as [Session, Session, Session];
    const mistakes = [...ledger.complaints];
    const sides = [
      { name: 'MySQL', orders: await ordersOf(mysql, users), notifications: await notificationsOf(mysql, users) },
      {
        name: 'Postgres',
        orders: await ordersOf(postgres, users),
        notifications: await notificationsOf(letters, users),
      },
    ];
    const payments = await paymentsOf(mysql, users);
    let [lost, duplicated, differing] = [0, 0, 0];
    for (const side of sides) {
      for (const [key, found] of side.orders) {
        duplicated += found.length - 1;
        if (found.length > 1) mistakes.push(`${key} is ${found.length} orders in ${side.name}`);
        if (ledger.purchases.has(key)) continue;
        duplicated++;
        mistakes.push(`nobody asked for order ${found[0]!.id} (${key}) in ${side.name}`);
      }
      for (const { key, outcome, order, cancelled } of ledger.purchases.values()) {
        const [found] = side.orders.get(key) ?? [];
        if (outcome === 'acknowledged' && found?.id !== String(order!.id)) {
          lost++;
          mistakes.push(`${key}, acknowledged as order ${order!.id}, is ${found?.id ?? 'not'} in ${side.name}`);
        }
        if (found && order && found.total !== order.total)
          mistakes.push(`${key} costs ${found.total} in ${side.name}, and the user was told ${order.total}`);
        const must = cancelled === 'acknowledged' ? 'cancelled' : cancelled === 'unknown' ? undefined : 'placed';
        if (found && must && found.status !== must)
          mistakes.push(`${key} is ${found.status} in ${side.name}, not ${must}`);
        const heard = side.notifications.get(key) ?? 0;
        if (heard !== (found ? 1 : 0)) mistakes.push(`${key} has ${heard} notifications in ${side.name}`);
        const owed = found?.status === 'placed' ? found.total : undefined;
        if (payments.get(key) !== owed) mistakes.push(`${key} owes ${owed}, and has paid ${payments.get(key)}`);
      }
    }
    for (const [table, other] of [
      ['orders', postgres],
      ['order_items', postgres],
      ['notifications', letters],
    ] as const) {
      for (const range of [REGULAR, users]) {
        const [here, there] = [await lines(mysql, table, range), await lines(other, table, range)];
        for (const id of new Set([...here.keys(), ...there.keys()])) {
          if (here.get(id) === there.get(id)) continue;
          differing++;
          mistakes.push(`${table} ${id} is "${here.get(id)}" in MySQL and "${there.get(id)}" in Postgres`);
        }
      }
    }
    const pieces = await piecesOf(mysql);
    if (pieces !== PRODUCTS * STOCK) mistakes.push(`${pieces} pieces on shelves and reserved, not ${PRODUCTS * STOCK}`);
    if (!mistakes.length) mistakes.push(...(await askUsers(stack, ledger, sides[0]!.orders)));
    return { lost, duplicated, differing, mistakes };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Lets every user list their orders through the proxy. */
async function askUsers(
  stack: Stack,
  ledger: Ledger,
  orders: ReadonlyMap<string, readonly Order[]>,
): Promise<string[]> {
  const dispatcher = new Agent({ connections: 16, pipelining: 1 });
  const mistakes: string[] = [];
  const purchases = Map.groupBy(ledger.purchases.values(), ({ user }) => user);
  const waiting = [...purchases];
  const say = ({ id, status, total }: Pick<Order, 'id' | 'status' | 'total'>) => `${id} ${status} ${total}`;
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [user, theirs] = next;
      const shopper = new Shopper(user, stack.bases, dispatcher, ledger);
      const seen: string[] = [];
      for (let before = ''; before !== 'end'; ) {
        const path = `/api/orders?limit=200${before && `&before=${encodeURIComponent(before)}`}`;
        const answer = await shopper.ask('GET', path, { until: Date.now() + ASK_WITHIN_MS });
        const page = answer?.body as { orders: Order[]; next: string | null } | undefined;
        if (answer?.status !== 200)
          return void mistakes.push(`user ${user} cannot list their orders: ${answer?.status}`);
        seen.push(...page!.orders.map(say));
        before = page!.next ?? 'end';
      }
      const wanted = theirs.flatMap(({ key }) => orders.get(key) ?? []).map(say);
      if (seen.sort().join() !== wanted.sort().join())
        mistakes.push(`user ${user} reads the orders ${seen}, and has ${wanted}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  await dispatcher.close();
  return mistakes;
}

/** Looks until the books are perfect, because the last rows are still under way; gives up after `within` ms. */
export async function audit(stack: Stack, ledger: Ledger, users: readonly number[], within: number): Promise<Audit> {
  for (const deadline = Date.now() + within; ; ) {
    const seen = await lookOnce(stack, ledger, [users[0]!, users.at(-1)!]).catch((error: Error) => error);
    if (!(seen instanceof Error) && !seen.mistakes.length) return seen;
    if (Date.now() < deadline) {
      await sleep(RETRY_MS);
      continue;
    }
    if (seen instanceof Error) throw seen;
    const { mistakes } = seen;
    const more = mistakes.length > TOLD ? [`and ${mistakes.length - TOLD} more`] : [];
    return { ...seen, mistakes: [...mistakes.slice(0, TOLD), ...more] };
  }
}
