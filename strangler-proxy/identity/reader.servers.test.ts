import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type BlackHole, startBlackHole } from '../../ledger/testing/black-hole.ts';
import { type ScratchDatabases, scratchDatabases } from '../testing/databases.ts';
import { Reader } from './reader.ts';

let databases: ScratchDatabases;
beforeAll(async () => {
  databases = await scratchDatabases('readers');
});
afterAll(() => databases.drop());

describe.each(['monolith', 'service'] as const)('a reader of the database of the %s', (side) => {
  let way: BlackHole;
  let reader: Reader;
  let address: string;

  beforeEach(async () => {
    const url = new URL(databases.urls[side]);
    way = await startBlackHole(url.hostname, Number(url.port));
    url.port = String(way.port);
    address = url.href;
    reader = new Reader(address, 'the database', 60_000);
  });
  afterEach(async () => {
    await reader.close();
    await way.stop();
  });

  const sessionId = { monolith: 'SELECT CONNECTION_ID() AS id', service: 'SELECT pg_backend_pid() AS id' }[side];
  const slowly = {
    monolith: 'SELECT CONNECTION_ID() AS id, SLEEP(0.2)',
    service: 'SELECT pg_backend_pid() AS id, pg_sleep(0.2)',
  }[side];
  const idsOf = async (sql: string, times: number) => {
    const all = await Promise.all(Array.from({ length: times }, () => reader.rows<{ id: number }>(sql, [])));
    return new Set(all.map(([row]) => Number(row!.id)));
  };

  test('asks through at most four sessions, whoever waits for one gets a turn, and they are used again', async () => {
    const first = await idsOf(slowly, 12);
    expect(first.size).toBe(4);
    expect(first).toEqual(first.union(await idsOf(sessionId, 1)));
  });

  test('a session that its server has ended is replaced, and nobody notices', async () => {
    const [id] = await idsOf(sessionId, 1);
    const kill = { monolith: `KILL CONNECTION ${id}`, service: `SELECT pg_terminate_backend(${id})` }[side];
    await databases[side].query(kill);
    expect(await idsOf(sessionId, 1)).not.toEqual(new Set([id]));
  });

  test('faults 81 a database that accepts and never answers fails everybody in bounded time, and is asked again once it does', async () => {
    await reader.close();
    reader = new Reader(address, 'the database');
    await idsOf(sessionId, 1);
    way.swallow();
    const lost = await Promise.allSettled(Array.from({ length: 12 }, () => reader.rows(sessionId, [])));
    expect(new Set(lost.map((one) => one.status === 'rejected' && one.reason.code))).toEqual(new Set(['NO_ANSWER']));
    way.open();
    expect((await idsOf(sessionId, 1)).size).toBe(1);
  });

  test('once closed it asks nobody any more', async () => {
    await idsOf(sessionId, 1);
    await reader.close();
    await reader.close();
    await expect(reader.rows(sessionId, [])).rejects.toThrow('closed');
  });
});
