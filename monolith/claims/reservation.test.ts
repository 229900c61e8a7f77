import { describe, expect, test } from '@jest/globals';
import { type Locked, planClaim, type ReservationRow } from './reservation.ts';

const row = (product_id: number, quantity: number, status: ReservationRow['status']): ReservationRow => ({
  id: product_id * 10,
  product_id,
  quantity,
  status,
  attempt: 'an earlier attempt',
});

const locked = (reservations: ReservationRow[], stock = 5): Locked => ({
  purchase: { userId: '1', key: 'k' },
  reservations,
  products: [{ id: 7, title: 'A CD', price: '9.99', stock }],
});

const two = [{ productId: 7, quantity: 2 }];
const priced = [{ productId: 7, quantity: 2, unitPrice: '9.99', title: 'A CD' }];

describe('a claim of stock', () => {
  test('takes stock if the purchase holds nothing', () => {
    expect(planClaim(locked([]), two)).toEqual({ priced, takeStock: true });
  });

  test('takes none if the purchase holds the same items, even when nothing is left', () => {
    expect(planClaim(locked([row(7, 2, 'held')], 0), two)).toEqual({ priced, takeStock: false });
  });

  test('takes stock again if what the purchase held was released', () => {
    expect(planClaim(locked([row(7, 2, 'released')]), two)).toEqual({ priced, takeStock: true });
  });

  test('is refused if less is left than is wanted', () => {
    expect(() => planClaim(locked([], 1), two)).toThrow(expect.objectContaining({ status: 409, code: 'out_of_stock' }));
  });

  test('is refused if the purchase holds other items: the key means another purchase', () => {
    for (const held of [row(7, 3, 'held'), row(9, 2, 'held')])
      expect(() => planClaim(locked([held]), two)).toThrow(expect.objectContaining({ status: 422 }));
  });

  test('is refused for a product that does not exist', () => {
    expect(() => planClaim(locked([]), [{ productId: 8, quantity: 1 }])).toThrow('product 8 does not exist');
  });
});
