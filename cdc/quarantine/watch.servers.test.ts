import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { quarantine, readQuarantine } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import pino from 'pino';
import { makeWorld, stream, until, type World } from '../testing/world.ts';
import { type QuarantineWatch, watchQuarantine } from './watch.ts';

let world: World;
let watch: QuarantineWatch | undefined;
const said: { msg: string; err?: { message: string } }[] = [];

/** A late deletion of an order that the service does not have any more; an item is left of it. */
async function keepMoot(id: number): Promise<void> {
  await world.service.query('INSERT INTO order_items (order_id, quantity) VALUES (?, 1)', [id]);
  const before = { id: String(id), user_id: '7', idempotency_key: null, status: 'placed', total: '0.00', note: null };
  await quarantine(world.service, [
    {
      ...{ stream: stream('forward'), status: 'open', cause: 'late-write', table: 'orders', key: String(id) },
      ...{ aggregate: `orders ${id}`, user: '7', before: JSON.stringify(before), after: null, owner: null },
      ...{ position: `log ${id}`, transaction: 't', epoch: 1, detail: null, resolution: null, operation: null },
    },
  ]);
}
const statusOf = async (id: number) => {
  const [entry] = await readQuarantine(world.service, { stream: stream('forward'), aggregate: `orders ${id}` });
  return entry!.status;
};

/** A purchase made twice, so many days ago. */
async function keepSettled(days: number): Promise<void> {
  const name = `${days} days`;
  await quarantine(world.service, [
    {
      ...{ stream: stream('forward'), status: 'superseded', cause: 'retried-purchase', table: 'orders', key: name },
      ...{ aggregate: name, user: '7', before: null, after: '{}', owner: '{}', position: 'p', transaction: 't' },
      ...{ epoch: 1, detail: null, resolution: null, operation: null },
    },
  ]);
  await world.service.query(
    `UPDATE strangler_quarantine SET created_at = now() - INTERVAL '${days} days' WHERE row_key = '${name}'`,
  );
}

beforeAll(async () => {
  world = await makeWorld(await servers());
  for (const days of [29, 31]) await keepSettled(days);
  const log = pino({}, { write: (line: string) => void said.push(JSON.parse(line)) });
  watch = watchQuarantine(world.plan, 'orders', 'forward', log);
});
afterAll(async () => {
  await watch?.stop();
  await world?.destroy();
});

test('what is settled is forgotten after as long as the Plan says, 30 days (faults 85)', async () => {
  const keys = async () => (await readQuarantine(world.service, { stream: stream('forward') })).map(({ key }) => key);
  await until('the older one gone', async () => !(await keys()).includes('31 days'));
  expect(await keys()).toContain('29 days');
});

describe('late writes that the owner has since written too', () => {
  test('are settled, however long it takes to find what is left of them; the count goes on meanwhile', async () => {
    await world.service.query('ALTER TABLE order_items ENABLE ROW LEVEL SECURITY');
    // As slow as a large table without an index.
    await world.service.query('CREATE POLICY slow ON order_items USING (pg_sleep(12) IS NOT NULL)');
    await keepMoot(101);
    await until('the count', () => watch!.open() === 1);
    await until('settled', async () => (await statusOf(101)) === 'superseded');
    await until('a line', () => said.length);
    expect(said.map(({ msg }) => msg)).toEqual([expect.stringContaining('superseded')]);
    await until('the count', () => watch!.open() === 0);
    await world.service.query('DROP POLICY slow ON order_items');
    await world.service.query('ALTER TABLE order_items DISABLE ROW LEVEL SECURITY');
  });

  test('stay open while nobody can tell, which is said once, with the reason', async () => {
    const applier = new URL(world.plan.capabilities.orders!.service.database!.applier).username;
    await world.service.query(`REVOKE SELECT ON order_items FROM ${applier}`);
    said.length = 0;
    await keepMoot(102);
    await until('a line', () => said.length);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(said).toMatchObject(
      [{ msg: expect.stringContaining('cannot tell'), err: { message: /order_items/ } }].map((line) => ({
        ...line,
        err: { message: expect.stringMatching(line.err.message) },
      })),
    );
    expect(await statusOf(102)).toBe('open');
    await world.service.query(`GRANT SELECT ON order_items TO ${applier}`);
    await until('settled', async () => (await statusOf(102)) === 'superseded');
  });

  test('do not keep cdc from stopping while they are being looked at', async () => {
    await world.service.query('ALTER TABLE order_items ENABLE ROW LEVEL SECURITY');
    await world.service.query('CREATE POLICY slow ON order_items USING (pg_sleep(30) IS NOT NULL)');
    await keepMoot(103);
    await until('the count', () => watch!.open() === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await watch!.stop();
    const left =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%order_items%' AND datname = ?";
    const { rows } = await world.service.query(`${left} AND pid <> pg_backend_pid()`, [world.plan.name]);
    expect(rows).not.toEqual([]); // it had not waited for the answer
  });
});
