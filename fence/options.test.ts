import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFence, FenceSetupError } from './index.cjs';

const RIGHT = { capability: 'orders', group: 'shop', side: 'monolith', user: () => 7 } as const;

test('everything that is wrong with a fence is named at once', () => {
  const wrong = { capability: "o'; DROP TABLE x", group: '', side: 'mysql' } as never;
  expect(() => createFence(wrong)).toThrow(/`capability` must.*`group` must.*`side` must.*`user` must/);
  expect(() => createFence(undefined as never)).toThrow(FenceSetupError);
  createFence(RIGHT);
});

test('whatever a request’s user may be, it is a text, nobody, or an error: never a user called "undefined" or "[object Object]"', () => {
  const whole = (user: unknown) => typeof user === 'bigint' || Number.isSafeInteger(user);
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string(), fc.integer(), fc.bigInt()), (user) => {
      const fence = createFence({ ...RIGHT, user: () => user as never });
      const passed: unknown[] = [];
      const response = { once: () => {} };
      fence.middleware({ method: 'POST' }, response, (error?: unknown) => passed.push(error));
      const may = user === null || (typeof user === 'string' && user !== '') || whole(user);
      return passed.length === 1 && (may ? passed[0] === undefined : passed[0] instanceof FenceSetupError);
    }),
  );
});
