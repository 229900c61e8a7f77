import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSession } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { Witness } from './witness.ts';

const LOOK_EVERY = 20;
const NAME = `witness_${process.pid}`;
const addresses: string[] = [];
let admins: string[] = [];

async function query(url: string, sql: string): Promise<void> {
  const session = await openSession(url, 'reader');
  try {
    await session.query(sql);
  } finally {
    await session.close();
  }
}

const insert = (url: string | undefined, user: number, key: string) =>
  query(url!, `INSERT INTO orders (user_id, idempotency_key) VALUES (${user}, '${key}')`);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

const purchase = (userId: number, key: string) => ({ userId, key });

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  const urls = [
    `mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}`,
    `postgres://${postgres.user}:${postgres.password}@${postgres.host}:${postgres.port}`,
  ];
  admins = [`${urls[0]}/mysql`, `${urls[1]}/postgres`];
  for (const [at, admin] of admins.entries()) {
    await query(admin, `CREATE DATABASE ${NAME}`);
    addresses.push(`${urls[at]}/${NAME}`);
    await query(addresses[at]!, 'CREATE TABLE orders (user_id BIGINT NOT NULL, idempotency_key VARCHAR(80) NOT NULL)');
  }
});

afterAll(async () => {
  for (const admin of admins) await query(admin, `DROP DATABASE IF EXISTS ${NAME}`);
});

describe('the witness', () => {
  test('counts a purchase as lost in neither database, as under way in one, and as found in both', async () => {
    const witness = new Witness(addresses[0]!, addresses[1]!, LOOK_EVERY);
    try {
      witness.add(purchase(7, 'a'));
      expect([witness.acknowledged, witness.found]).toEqual([1, 0]);
      await until(() => witness.lost === 1);
      await insert(addresses[1], 7, 'a');
      await until(() => witness.lost === 0);
      expect(witness.found).toBe(0);
      expect(witness.lag).toBeGreaterThan(0);
      await insert(addresses[0], 7, 'a');
      await until(() => witness.found === 1);
      expect([witness.acknowledged, witness.lost, witness.lag]).toEqual([1, 0, 0]);
      expect(witness.newestFound).toBeLessThanOrEqual(Date.now());
    } finally {
      await witness.stop();
    }
  });

  test('takes nobody else’s purchase with the same key for it', async () => {
    const witness = new Witness(addresses[0]!, addresses[1]!, LOOK_EVERY);
    try {
      for (const url of addresses) await insert(url, 8, 'b');
      witness.add(purchase(9, 'b'));
      await until(() => witness.lost === 1);
      expect(witness.found).toBe(0);
    } finally {
      await witness.stop();
      await witness.stop();
    }
  });
});
