import { expect, test } from '@jest/globals';
import { gatewayDeclines } from './gateway.ts';

test('the gateway declines a card ending 0002, however it is written', () => {
  expect(gatewayDeclines('1.00', '4000 0000 0000 0002')).toBe(true);
  expect(gatewayDeclines('1.00', '4000-0000-0000-0002')).toBe(true);
  expect(gatewayDeclines('1.00', '4000 0000 0002 0000')).toBe(false);
});

test('the gateway declines amounts above 100000.00 and takes that and 0.00', () => {
  expect(gatewayDeclines('100000.01', undefined)).toBe(true);
  expect(gatewayDeclines('100000.00', undefined)).toBe(false);
  expect(gatewayDeclines('0.00', undefined)).toBe(false);
});
