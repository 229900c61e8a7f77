import type { Statements } from '../database.ts';
import { HttpError, notFound } from '../http/http-error.ts';

export interface Item {
  productId: number;
  quantity: number;
}

/** An item with what the shop charges for it. */
export interface PricedItem extends Item {
  unitPrice: string;
  title: string;
}

/** Whose purchase it is: side effects belong to the user and the idempotency key, not to the process that caused them. */
export interface Purchase {
  userId: string;
  key: string;
}

export interface ReservationRow {
  id: number;
  product_id: number;
  quantity: number;
  attempt: string;
  status: 'held' | 'released';
}

export interface ProductRow {
  id: number;
  title: string;
  price: string;
  stock: number;
}

/** A purchase's reservation rows and products, locked until the transaction ends. */
export interface Locked {
  purchase: Purchase;
  reservations: ReservationRow[];
  products: ProductRow[];
}

/** Locks the purchase's reservation rows. Everyone locks in this order: reservations, products by id, payment. */
export const lockReservations = (tx: Statements, { userId, key }: Purchase): Promise<ReservationRow[]> =>
  tx.rows(
    `SELECT id, product_id, quantity, attempt, status FROM stock_reservations
     WHERE user_id = :userId AND idempotency_key = :key ORDER BY product_id FOR UPDATE`,
    { userId, key },
  );

/** Locks the purchase's reservation rows, then the products wanted, in id order. */
export const lockForClaim = async (tx: Statements, purchase: Purchase, items: readonly Item[]): Promise<Locked> => {
  const reservations = await lockReservations(tx, purchase);
  const ids = items.map((item) => item.productId);
  const products = await tx.rows<ProductRow>(
    'SELECT id, title, price, stock FROM products WHERE id IN (:ids) ORDER BY id FOR UPDATE',
    { ids },
  );
  return { purchase, reservations, products };
};

const sameItems = (held: readonly ReservationRow[], items: readonly Item[]): boolean =>
  held.length === items.length &&
  items.every((item) => held.some((row) => row.product_id === item.productId && row.quantity === item.quantity));

/**
 * What claiming these items means: their prices, and whether stock is still to be taken (not when the purchase holds
 * them already). 404 for an unknown product, 409 out_of_stock, 422 if the purchase holds other items.
 */
export const planClaim = (locked: Locked, items: readonly Item[]): { priced: PricedItem[]; takeStock: boolean } => {
  const held = locked.reservations.filter((row) => row.status === 'held');
  if (held.length > 0 && !sameItems(held, items)) throw keyReused();
  const takeStock = held.length === 0;
  const priced = items.map((item) => {
    const product = locked.products.find((row) => row.id === item.productId);
    if (!product) throw notFound(`product ${item.productId}`);
    if (takeStock && product.stock < item.quantity)
      throw new HttpError(409, 'out_of_stock', `product ${product.id}: ${item.quantity} wanted, ${product.stock} left`);
    return { ...item, unitPrice: product.price, title: product.title };
  });
  return { priced, takeStock };
};

/** 422: the key was used for another purchase. */
export const keyReused = (): HttpError =>
  new HttpError(422, 'idempotency_key_reused', 'this Idempotency-Key belongs to an order with other items');

/** Writes the claim that `planClaim` allowed: stock is taken at most once, and `attempt` is the claimant from now on. */
export const hold = async (
  tx: Statements,
  { purchase, reservations }: Locked,
  items: readonly Item[],
  attempt: string,
  takeStock: boolean,
): Promise<void> => {
  if (reservations.length > 0)
    await tx.run('UPDATE stock_reservations SET attempt = :attempt WHERE id IN (:ids)', {
      attempt,
      ids: reservations.map((row) => row.id),
    });
  if (!takeStock) return;
  for (const { productId, quantity } of items.toSorted((a, b) => a.productId - b.productId))
    await tx.run('UPDATE products SET stock = stock - :quantity WHERE id = :productId', { productId, quantity });
  const known = new Map(reservations.map((row) => [row.product_id, row.id]));
  for (const { productId, quantity } of items) {
    const id = known.get(productId);
    if (id !== undefined)
      await tx.run("UPDATE stock_reservations SET quantity = :quantity, status = 'held' WHERE id = :id", {
        id,
        quantity,
      });
  }
  const fresh = items.filter((item) => !known.has(item.productId));
  if (fresh.length === 0) return;
  await tx.run(
    'INSERT INTO stock_reservations (user_id, idempotency_key, product_id, quantity, attempt, status) VALUES :rows',
    { rows: fresh.map((i) => [purchase.userId, purchase.key, i.productId, i.quantity, attempt, 'held']) },
  );
};

/** Gives the stock of locked reservation rows back, once, and records who did. */
export const giveBack = async (tx: Statements, reservations: readonly ReservationRow[], attempt: string) => {
  if (reservations.length === 0) return;
  for (const row of reservations) {
    if (row.status === 'held')
      await tx.run('UPDATE products SET stock = stock + :quantity WHERE id = :id', {
        id: row.product_id,
        quantity: row.quantity,
      });
  }
  await tx.run("UPDATE stock_reservations SET status = 'released', attempt = :attempt WHERE id IN (:ids)", {
    attempt,
    ids: reservations.map((row) => row.id),
  });
};
