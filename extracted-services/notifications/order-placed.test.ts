import { expect, test } from '@jest/globals';
import { orderPlaced } from './order-placed.ts';

const event = {
  userId: 7,
  key: 'k1',
  orderId: 2,
  quantity: 3,
  total: '35.31',
  createdAt: '1998-01-02T03:04:05.006Z',
};

const notification = {
  userId: '7',
  kind: 'order_placed',
  reference: 'k1',
  title: 'Order placed',
  body: 'Thank you for your order of 3 CDs for $35.31.',
  createdAt: new Date('1998-01-02T03:04:05.006Z'),
};

test('an event becomes a notification, whether its payload came as an object or as text', () => {
  expect(orderPlaced(JSON.stringify(event))).toEqual(notification);
  expect(orderPlaced(JSON.stringify(JSON.stringify(event)))).toEqual(notification);
});

test('one CD is one CD', () => {
  expect(orderPlaced(JSON.stringify({ ...event, quantity: 1, total: '0.00' })).body).toBe(
    'Thank you for your order of 1 CD for $0.00.',
  );
});

test.each([
  ['not JSON', '{', /JSON/],
  ['nothing', 'null', 'userId is not an id'],
  ['of nobody', JSON.stringify({ ...event, userId: 0 }), 'userId is not an id'],
  ['without a key', JSON.stringify({ ...event, key: undefined }), 'key is not an idempotency key'],
  ['with a number for a total', JSON.stringify({ ...event, total: 35.31 }), 'total is not an amount'],
  ['without a quantity', JSON.stringify({ ...event, quantity: undefined }), 'quantity is not a whole number'],
  ['of no time', JSON.stringify({ ...event, createdAt: 'yesterday' }), 'createdAt is not a time'],
])('an event that is %s is refused with a reason', (_what, value, reason) => {
  expect(() => orderPlaced(value)).toThrow(reason);
});
