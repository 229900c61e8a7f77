import { randomUUID } from 'node:crypto';
import { bodyObject, type Mistakes, mistakes } from './http/fields.ts';

export interface Item {
  productId: number;
  quantity: number;
}

export interface OrderRequest {
  items: Item[];
  card: string | undefined;
  key: string;
}

const MOST_ITEMS = 100;
const LARGEST_QUANTITY = 1000;

const isWhole = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most;

/** The items of a body, every mistake noted; only items without a mistake are answered. */
const itemsOf = (value: unknown, found: Mistakes): Item[] => {
  if (!Array.isArray(value) || value.length < 1 || value.length > MOST_ITEMS) {
    found.add('items', `must be a list of 1 to ${MOST_ITEMS} items`);
    return [];
  }
  const items: Item[] = [];
  for (const [index, item] of value.entries()) {
    const { productId, quantity } = (item ?? {}) as Record<string, unknown>;
    const at = `items[${index}]`;
    const knownProduct = isWhole(productId, Number.MAX_SAFE_INTEGER);
    if (!knownProduct) found.add(`${at}.productId`, 'must be the id of a product');
    else if (items.some((other) => other.productId === productId)) found.add(`${at}.productId`, 'appears twice');
    if (!isWhole(quantity, LARGEST_QUANTITY))
      found.add(`${at}.quantity`, `must be a whole number from 1 to ${LARGEST_QUANTITY}`);
    else if (knownProduct) items.push({ productId, quantity });
  }
  return items;
};

/** The card of a body: none, or 4 to 32 digits, spaces and dashes. */
const cardOf = (value: unknown, found: Mistakes): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && /^[\d -]{4,32}$/.test(value)) return value;
  found.add('card', 'must be a card number of 4 to 32 digits');
  return undefined;
};

const keyOf = (header: string | undefined, found: Mistakes): string => {
  if (header === undefined) return randomUUID();
  if (/^[\x21-\x7e]{1,80}$/.test(header)) return header;
  found.add('Idempotency-Key', 'must be 1 to 80 visible ASCII characters');
  return '';
};

/** The order asked for by a body and an Idempotency-Key header; 400 with every mistake. */
export const parseOrderRequest = (body: unknown, keyHeader: string | undefined): OrderRequest => {
  const fields = bodyObject(body);
  const found = mistakes();
  const request = {
    items: itemsOf(fields.items, found),
    card: cardOf(fields.card, found),
    key: keyOf(keyHeader, found),
  };
  found.refuse();
  return request;
};

/** Whether two lists name the same products in the same quantities, in whatever order. */
export const sameItems = (a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length &&
  a.every((item) => b.some((other) => other.productId === item.productId && other.quantity === item.quantity));
