import { expect, test } from '@jest/globals';
import { clientAddress, trustsFrom } from './trusted.ts';

test('addresses and blocks are trusted, also when IPv4 comes dressed as IPv6', () => {
  const trusts = trustsFrom(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);
  for (const one of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.1', 'fd00::1']) expect(trusts(one)).toBe(true);
  for (const one of ['11.0.0.1', '192.168.1.2', '::1', undefined]) expect(trusts(one)).toBe(false);
  expect(trustsFrom([])('127.0.0.1')).toBe(false);
});

test('a client’s address is what the last trusted hop says; whoever is no hop speaks for itself alone', () => {
  const trusts = trustsFrom(['10.0.0.0/8']);
  const from = (peer: string, hops?: string) => clientAddress(peer, hops, trusts);
  expect(from('1.2.3.4', '6.6.6.6')).toBe('1.2.3.4');
  expect(from('::ffff:10.0.0.1', '9.9.9.9, 6.6.6.6, 10.0.0.2')).toBe('6.6.6.6');
  expect(from('10.0.0.1', 'forged, 10.0.0.2')).toBe('10.0.0.2');
  expect(from('10.0.0.1')).toBe('10.0.0.1');
  expect(from('fe80::1%eth0')).toBe('fe80::1');
});

test('a hop may be written with its port, and an address of IPv6 in brackets', () => {
  const trusts = trustsFrom(['10.0.0.0/8', 'fd00::/8']);
  const from = (hops: string) => clientAddress('10.0.0.1', hops, trusts);
  expect(from('203.0.113.9:51234')).toBe('203.0.113.9');
  expect(from('[2001:db8::1]:443')).toBe('2001:db8::1');
  expect(from('[2001:db8::1]')).toBe('2001:db8::1');
  expect(from('[::ffff:203.0.113.9]:1')).toBe('203.0.113.9');
  expect(from('[fe80::1%eth0]:443')).toBe('fe80::1');
  expect(from('6.6.6.6, 203.0.113.9:51234, [fd00::2]:80, 10.0.0.2:9000')).toBe('203.0.113.9');
  for (const none of ['203.0.113.9:', '203.0.113.9:x', '[203.0.113.9', '[]', '[]:80', ':80', '2001:db8::1]:443', 'a:1'])
    expect(from(none)).toBe('10.0.0.1');
});
