/** A notification not yet written. */
export interface NewNotification {
  userId: string;
  kind: string;
  reference: string;
  title: string;
  body: string;
  createdAt: Date;
}

const idOf = (value: unknown): string | undefined => {
  const text = String(value);
  return /^[1-9]\d{0,18}$/.test(text) ? text : undefined;
};

/**
 * The notification an `order_placed` event asks for, in the monolith's words. Takes the event as text or object (it
 * depends on the connector's settings); throws a sentence about an event it cannot read.
 */
export const orderPlaced = (value: string): NewNotification => {
  let event: unknown = JSON.parse(value);
  if (typeof event === 'string') event = JSON.parse(event);
  const { userId, key, total, quantity, createdAt } = (event ?? {}) as Record<string, unknown>;
  const user = idOf(userId);
  if (user === undefined) throw new Error('userId is not an id');
  if (typeof key !== 'string' || key === '' || key.length > 80) throw new Error('key is not an idempotency key');
  if (typeof total !== 'string' || !/^\d+\.\d\d$/.test(total)) throw new Error('total is not an amount');
  if (!Number.isSafeInteger(quantity)) throw new Error('quantity is not a whole number');
  const placedAt = new Date(String(createdAt));
  if (Number.isNaN(placedAt.getTime())) throw new Error('createdAt is not a time');
  return {
    userId: user,
    kind: 'order_placed',
    reference: key,
    title: 'Order placed',
    body: `Thank you for your order of ${quantity} ${quantity === 1 ? 'CD' : 'CDs'} for $${total}.`,
    createdAt: placedAt,
  };
};
