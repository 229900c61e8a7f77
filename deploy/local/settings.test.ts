import { expect, test } from '@jest/globals';
import { asOptions, asPostgresArguments, asProperties } from './settings.ts';

test('settings become options, arguments and properties', () => {
  expect(asOptions({ 'log-bin': 'binlog', 'server-id': 1 })).toEqual(['--log-bin=binlog', '--server-id=1']);
  expect(asPostgresArguments({ wal_level: 'logical' })).toEqual(['-c', 'wal_level=logical']);
  expect(asProperties({ a: true, path: 'C:\\x' })).toBe('a=true\npath=C:\\\\x\n');
});
