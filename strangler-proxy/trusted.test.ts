import { expect, test } from '@jest/globals';
import { trustsFrom } from './trusted.ts';

test('addresses and blocks are trusted, also when IPv4 comes dressed as IPv6', () => {
  const trusts = trustsFrom(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);
  for (const one of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.1', 'fd00::1']) expect(trusts(one)).toBe(true);
  for (const one of ['11.0.0.1', '192.168.1.2', '::1', undefined]) expect(trusts(one)).toBe(false);
  expect(trustsFrom([])('127.0.0.1')).toBe(false);
});
