import { describe, expect, test } from '@jest/globals';
import { wishesAt } from './operator.ts';

const wishes = (share: number) => Object.fromEntries(wishesAt(share));

describe('what the operator wants', () => {
  test('is nothing before the first purchases, then notifications, then orders', () => {
    expect(wishes(0)).toEqual({});
    expect(wishes(0.05)).toEqual({ notifications: 50 });
    expect(wishes(0.3)).toEqual({ notifications: 100, orders: 50 });
  });

  test('goes back to the monolith once, and ends with everybody on the services', () => {
    expect(wishes(0.65)).toEqual({ notifications: 100, orders: 0 });
    expect(wishes(1)).toEqual({ notifications: 100, orders: 100 });
  });
});
