import type { Item } from '../claims/reservation.ts';

/** What the customer reads after an order: one notification per order, its reference the order's idempotency key. */
export const orderPlaced = (items: readonly Item[], total: string) => {
  const count = items.reduce((sum, item) => sum + item.quantity, 0);
  return {
    kind: 'order_placed',
    title: 'Order placed',
    body: `Thank you for your order of ${count} ${count === 1 ? 'CD' : 'CDs'} for $${total}.`,
  };
};
