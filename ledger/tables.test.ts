import { expect, test } from '@jest/globals';
import type { Session, Value } from './session.ts';
import { createTables } from './tables.ts';

/** A database in which every question is answered with these rows; `inserted` is what its strangler_tick is given. */
function answering(rows: object[]): { session: Session; inserted: Value[] } {
  const inserted: Value[] = [];
  const query = async (sql: string, values: readonly Value[] = []) => {
    if (sql.startsWith('INSERT INTO strangler_tick')) inserted.push(...values);
    return { rows, affected: 0 };
  };
  return { session: { dialect: 'postgres', query } as unknown as Session, inserted };
}

test('a row of strangler_tick that was lost is put back above every tick there ever was, at up to a thousand a second', async () => {
  const before = Date.now();
  const { session, inserted } = answering([]);
  await createTables(session);
  expect(inserted).toEqual([expect.any(Number)]);
  expect(inserted[0]).toBeGreaterThanOrEqual(before);
});

test('a row of strangler_tick that is there is left alone', async () => {
  const { session, inserted } = answering([{ id: 1 }]);
  await createTables(session);
  expect(inserted).toEqual([]);
});
