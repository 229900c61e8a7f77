import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { closedAt, lentUser } from './unprivileged.ts';

test('only root lends a user: postgres, else nobody, else the number nobody usually has', () => {
  const postgres = 'root:x:0:0::/root:/bin/sh\npostgres:x:101:104::/var/lib/postgresql:/bin/bash';
  const nobody = 'nobody:x:99:98::/:/bin/false';
  expect(lentUser(1000, postgres)).toBeUndefined();
  expect(lentUser(0, `${nobody}\n${postgres}`)).toEqual({ uid: 101, gid: 104 });
  expect(lentUser(0, nobody)).toEqual({ uid: 99, gid: 98 });
  expect(lentUser(0, '')).toEqual({ uid: 65534, gid: 65534 });
});

test('a folder on the way that others may not enter is named', () => {
  const place = mkdtempSync(join(tmpdir(), 'closed-'));
  const inside = join(place, 'project', '.strangler');
  mkdirSync(inside, { recursive: true });
  chmodSync(place, 0o755);
  expect(closedAt(inside)).toBeUndefined();
  chmodSync(place, 0o700);
  expect(closedAt(join(inside, 'not-there-yet'))).toBe(place);
  rmSync(place, { recursive: true });
});
