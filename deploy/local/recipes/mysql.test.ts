import { expect, test } from '@jest/globals';
import { isSuitable } from './mysql.ts';

test('a mysqld of the machine is used if it is MySQL 8.4 or newer', () => {
  expect(isSuitable('/usr/sbin/mysqld  Ver 8.4.11 for Linux on x86_64 (MySQL Community Server - GPL)')).toBe(true);
  expect(isSuitable('mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))')).toBe(true);
  expect(isSuitable('mysqld  Ver 8.0.40 for Linux on x86_64 (MySQL Community Server - GPL)')).toBe(false);
  expect(isSuitable('mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64')).toBe(false);
});
