import { hashPassword } from '@example/monolith';
import mysql from 'mysql2/promise';
import { SECRETS } from './addresses.ts';
import { emailOf, type Input, type Purchase, userIdOf } from './input.ts';

const ROWS_PER_STATEMENT = 2_000;
/** More than a rehearsal can sell, so that no purchase of CDNOW meets an empty shelf. */
const SPARE_STOCK = 10;
/** Cheap on purpose: thousands of logins in a minute are load on the shop, not on its hash. */
const DEMO_COST = 2 ** 10;

const dollars = (cents: number): string => (cents / 100).toFixed(2);
const oddId = (nth: number): number => 2 * nth + 1;

/** Fills the shop’s tables with customers, products and the purchases of 1997. Gives the rows written. */
export async function loadShop(databaseUrl: string, input: Input, progress: (rows: number) => void): Promise<number> {
  const connection = await mysql.createConnection({ uri: databaseUrl, timezone: 'Z' });
  let written = 0;
  const insert = async (table: string, columns: string, rows: unknown[][]) => {
    for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
      const some = rows.slice(at, at + ROWS_PER_STATEMENT);
      await connection.query(`INSERT INTO ${table} (${columns}) VALUES ?`, [some]);
      written += some.length;
      progress(written);
    }
  };
  try {
    await connection.query('SET SESSION unique_checks = 0');
    const hash = await hashPassword(SECRETS.password, { cost: DEMO_COST });
    await insert(
      'users',
      'id, email, password_hash, name',
      input.customers.map((one) => [userIdOf(one), emailOf(one), hash, `Customer ${one}`]),
    );
    const sold = Map.groupBy(input.history, ({ product }) => product.id);
    await insert(
      'products',
      'id, title, price, stock',
      input.products.map((one) => [
        one.id,
        one.title,
        dollars(one.cents),
        one.sold + SPARE_STOCK - (sold.get(one.id)?.length ?? 0),
      ]),
    );
    const past = input.history.map((purchase, nth) => ({
      ...purchase,
      id: oddId(nth),
      at: `${purchase.date} 12:00:00.000`,
    }));
    await insert(
      'orders',
      'id, user_id, idempotency_key, status, total, created_at, updated_at',
      past.map((one) => [one.id, one.userId, one.key, 'placed', dollars(one.product.cents), one.at, one.at]),
    );
    await insert(
      'order_items',
      'id, order_id, product_id, quantity, unit_price',
      past.map((one) => [one.id, one.id, one.product.id, 1, dollars(one.product.cents)]),
    );
    await insert(
      'stock_reservations',
      'user_id, idempotency_key, product_id, quantity, attempt, status',
      past.map((one) => [one.userId, one.key, one.product.id, 1, 'history', 'held']),
    );
    await insert(
      'payments',
      'user_id, idempotency_key, amount, status, attempt, created_at, updated_at',
      past.map((one) => [one.userId, one.key, dollars(one.product.cents), 'captured', 'history', one.at, one.at]),
    );
    await insert(
      'notifications',
      'id, user_id, kind, reference, title, body, created_at',
      past.map((one) => [one.id, one.userId, 'order_placed', one.key, 'Order placed', thanks(one), one.at]),
    );
    return written;
  } finally {
    await connection.end();
  }
}

const thanks = ({ product }: Purchase): string => `Thank you for your order of 1 CD for $${dollars(product.cents)}.`;

/** All the stock there ever was, sold or not: what shelves and open reservations must add up to. */
export const stockEverything = (input: Input): number =>
  input.products.reduce((sum, { sold }) => sum + sold + SPARE_STOCK, 0);
