import { expect, test } from '@jest/globals';
import { type Held, Holds } from './hold.ts';

const HOLD = 60_000;
const write = (user: string, address: string): Held => ({
  capability: 'orders',
  holder: { capability: 'orders', user, address },
  stillMoves: () => false,
  release: () => {},
  expire: () => {},
});

test.each([
  [1_000, 250],
  [200, 50],
  [40, 25],
  [20, 20],
])('of %d places one address has %d, however many users it claims to be', (queue, places) => {
  const holds = new Holds(() => {});
  const add = (user: string, address: string) => holds.add(write(user, address), HOLD, queue);
  for (let nth = 0; nth < 2 * queue; nth++) add(`forged${nth}`, '203.0.113.9');
  expect(holds.count('orders')).toBe(places);
  expect(add('customer', '198.51.100.7')).toBe(places < queue);
  holds.release();
  expect(holds.count('orders')).toBe(0);
  expect(add('forged', '203.0.113.9')).toBe(true);
  holds.release();
});
