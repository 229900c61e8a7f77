import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import type { Capability } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { tableOf } from '../../plan/testing/table.ts';
import type { Image, RowChange } from '../log/row-change.ts';
import { RowOwners } from './row-owners.ts';
import { readTables, type SurveyedTables } from './surveyed-table.ts';

const NAME = `row_owners_${process.pid}`;
const PLAN = {
  userType: 'integer',
  tables: {
    lines_of: tableOf({ user: ['buyer_id', 'seller_id'] }),
    parcels: tableOf({ user: [{ through: ['order_id', 'line_no'], of: 'lines_of' }, 'sender_id'] }),
  },
} as unknown as Capability;

let root: Session;
let session: Session;
let tables: SurveyedTables;

beforeAll(async () => {
  const { mysql } = await servers();
  const url = (database: string) => `mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/${database}`;
  root = await openSession(url('mysql'), 'reader');
  await root.query(`CREATE DATABASE ${NAME}`);
  session = await openSession(url(NAME), 'reader');
  await session.query(
    `CREATE TABLE lines_of (line_no INT, order_id BINARY(2), buyer_id INT, seller_id INT, PRIMARY KEY (order_id, line_no))`,
  );
  await session.query(
    'CREATE TABLE parcels (id INT PRIMARY KEY, order_id BINARY(2), line_no INT, sender_id VARCHAR(9))',
  );
  tables = await readTables(session, 'orders', PLAN);
});
afterAll(async () => {
  await session?.close();
  await root?.query(`DROP DATABASE ${NAME}`);
  await root?.close();
});

const change = (table: string, after: Image) => ({ table, before: null, after }) as RowChange;
const parcel = (order_id: string | null, line_no: number | null, sender_id: string | null) => ({
  ...{ id: 1, order_id, line_no, sender_id },
});

test('a survey tells a row’s user by the first of its ways that is set, from the log and from the database', async () => {
  await session.query("INSERT INTO lines_of VALUES (1, x'00ff', NULL, 8), (2, x'00ff', NULL, NULL)");
  const owners = new RowOwners(tables, session);
  owners.learn([change('lines_of', { order_id: '00ff', line_no: 3, buyer_id: 7, seller_id: 8 })]);
  const of = (...values: Parameters<typeof parcel>) => owners.of(tables.get('parcels')!, parcel(...values));
  expect(await of('00ff', 3, '9')).toEqual({ user: '7' });
  expect(await of('00ff', 1, '9')).toEqual({ user: '8' });
  expect(await of('00ff', 2, '9')).toBe('null'); // nobody’s, and not the sender’s
  expect(await of('00ff', 4, '9')).toBe('no-parent');
  expect(await of('00ff', null, '9')).toEqual({ user: '9' });
  expect(await of(null, null, 'nobody')).toBe('unreadable');
  expect(await of(null, null, null)).toBe('null');
});

test('and names every column of a way that the monolith does not have', async () => {
  const plan = {
    ...PLAN,
    tables: { parcels: tableOf({ user: ['sender', { through: ['order', 'line_no'], of: 'x' }] }) },
  };
  await expect(readTables(session, 'orders', plan)).rejects.toThrow('parcels: has no column sender, order');
});
