import mysql from 'mysql2/promise';

/** What there is to buy, and who may. */
export type Shop = { readonly users: readonly number[]; readonly products: readonly number[] };

const USERS = 40_000;
/** Titles on the shelves. */
export const PRODUCTS = 400;
/** The users the history belongs to; no run is given them. */
export const REGULARS = 1_000;
/** Pieces of each; more than a suite can sell. */
export const STOCK = 1_000_000;
const ROWS_PER_STATEMENT = 2_000;

/** The monolith mints odd ids; what we load follows it. */
const oddId = (nth: number): number => 2 * nth + 1;

/** Fills the shop: users who can log in by token only, products, and so many orders of the past. */
export async function loadShop(databaseUrl: string, history: number): Promise<Shop> {
  const connection = await mysql.createConnection({ uri: databaseUrl, timezone: 'Z' });
  const insert = async (table: string, columns: string, count: number, row: (nth: number) => unknown[]) => {
    for (let at = 0; at < count; at += ROWS_PER_STATEMENT) {
      const rows = Array.from({ length: Math.min(ROWS_PER_STATEMENT, count - at) }, (_, nth) => row(at + nth));
      await connection.query(`INSERT INTO ${table} (${columns}) VALUES ?`, [rows]);
    }
  };
  const keyOf = (nth: number) => `history-${nth}`;
  const buyer = (nth: number) => oddId(nth % REGULARS);
  try {
    await insert('users', 'id, email, password_hash, name', USERS, (nth) => {
      return [oddId(nth), `user-${nth}@shop.example`, 'none', `User ${nth}`];
    });
    await insert('products', 'id, title, price, stock', PRODUCTS, (nth) => [oddId(nth), `CD ${nth}`, '9.99', STOCK]);
    await insert('orders', 'id, user_id, idempotency_key, total', history, (nth) => {
      return [oddId(nth), buyer(nth), keyOf(nth), '9.99'];
    });
    await insert('order_items', 'id, order_id, product_id, quantity, unit_price', history, (nth) => {
      return [oddId(nth), oddId(nth), oddId(nth % PRODUCTS), 1, '9.99'];
    });
    await insert('notifications', 'id, user_id, kind, reference, title, body', history, (nth) => {
      return [oddId(nth), buyer(nth), 'order_placed', keyOf(nth), 'Order placed', 'Thank you.'];
    });
  } finally {
    await connection.end();
  }
  const users = Array.from({ length: USERS - REGULARS }, (_, nth) => oddId(REGULARS + nth));
  return { users, products: Array.from({ length: PRODUCTS }, (_, nth) => oddId(nth)) };
}
