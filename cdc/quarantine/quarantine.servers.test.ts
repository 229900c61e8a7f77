import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { barrierArrived, type KeptEntry, readRecords } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';
import { type QuarantineArguments, runQuarantine } from './commands.ts';
import { sayEntry } from './entry-name.ts';
import { resolve } from './resolve.ts';
import { retry } from './retry.ts';
import { undoOperation } from './undo.ts';
import { list, show } from './view.ts';

type On = 'monolith' | 'service';

let world: World;
let cdc: Cdc;

const ROWS = ['owner', 'late', 'changed', 'gone', 'superseded', 'race', 'moved', 'torn', 'again'];
const query = (on: On, sql: string) => world[on].query<Record<string, unknown>>(sql);
const idOf = (key: string) => `(SELECT id FROM (SELECT id FROM orders WHERE idempotency_key = '${key}') o)`;
const statusOf = async (on: On, key: string) =>
  (await query(on, `SELECT status FROM orders WHERE idempotency_key = '${key}'`)).rows[0]?.status;
const itemsOf = async (on: On, key: string) =>
  (await query(on, `SELECT quantity FROM order_items WHERE order_id = ${idOf(key)} ORDER BY quantity`)).rows.map(
    ({ quantity }) => Number(quantity),
  );
const both = (key: string) => Promise.all([statusOf('monolith', key), statusOf('service', key)]);
const bothItems = (key: string) => Promise.all([itemsOf('monolith', key), itemsOf('service', key)]);
const open = (user: string): Promise<KeptEntry[]> =>
  list(world.plan, { capabilities: [], status: 'open', user, cause: undefined });
const openOf = (user: string, count: number) =>
  until(`${count} open entries`, async () => {
    const entries = await open(user);
    return entries.length === count ? entries : undefined;
  }).then((entries) => entries!);
const nameOf = ({ stream: of, id }: KeptEntry) => sayEntry(of, id);
const decide = (keep: 'owner' | 'late', seen?: string) => ({ keep, seen, reason: `the ${keep} is right`, by: 'ada' });
const user = (key: string) => 100 + ROWS.indexOf(key);
const ARGUMENTS: QuarantineArguments = {
  ...{ words: [], state: undefined, user: undefined, reason: undefined, keep: undefined, seen: undefined },
  ...{ by: 'ada', all: false, json: false, cause: undefined, operation: undefined, settled: false },
};
const command = async (words: string[], options: Partial<QuarantineArguments> = {}) => {
  const lines: string[] = [];
  const output = { say: (line: string) => void lines.push(line), progress: () => {} };
  const code = await runQuarantine(world.plan, { ...ARGUMENTS, words, ...options }, output);
  return { code, out: lines.join('\n') };
};

/** The owner changes an order; a late writer, who does not know, changes it and its items otherwise. */
async function disagree(key: string, late = `UPDATE orders SET status = 'shipped' WHERE idempotency_key = '${key}'`) {
  await world.secretly('service', `UPDATE orders SET status = 'cancelled' WHERE idempotency_key = '${key}'`);
  await world.monolith.transaction(async () => {
    for (const sql of late.split(';')) await world.monolith.query(sql);
  });
}

/** Hands a user back to the monolith; does something while nobody owns them. */
async function moveBack(epoch: number, user: string, meanwhile?: () => Promise<void>) {
  await world.handoff('service', epoch, 'barrier', user);
  await meanwhile?.();
  await until('arrival', () => barrierArrived(world.monolith, stream('reverse'), epoch));
  await world.handoff('monolith', epoch, 'grant', user);
}

beforeAll(async () => {
  world = await makeWorld(await servers());
  const orders = ROWS.map((key) => `(${user(key)}, '${key}')`);
  await query('monolith', `INSERT INTO orders (user_id, idempotency_key) VALUES ${orders.join(', ')}`);
  for (const quantity of [1, 2]) {
    await query('monolith', `INSERT INTO order_items (order_id, quantity) SELECT id, ${quantity} FROM orders`);
  }
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1);
});
afterAll(() => world?.destroy());

describe('the quarantine', () => {
  test('shows a late write beside the owner’s aggregate, and where it came from', async () => {
    await disagree(
      'owner',
      `UPDATE orders SET status = 'shipped' WHERE idempotency_key = 'owner';
       DELETE FROM order_items WHERE quantity = 1 AND order_id = ${idOf('owner')};
       INSERT INTO order_items (order_id, quantity) SELECT id, 9 FROM orders WHERE idempotency_key = 'owner'`,
    );
    const entries = await openOf('100', 3);
    const listed = await command(['list'], { user: '100' });
    for (const entry of entries) expect(listed.out).toContain(nameOf(entry));
    expect((await command(['list'], { user: '100', cause: 'inapplicable' })).out).toBe('nothing is kept that fits');
    await expect(command(['list'], { reason: 'late-write' })).rejects.toThrow(/takes --cause WORD/);
    expect(JSON.parse((await command(['list'], { json: true, user: '100' })).out).entries).toHaveLength(3);

    const [first] = entries as [KeptEntry];
    const { owner, together, pairs } = await show(world.plan, nameOf(first));
    expect(owner).toBe('service');
    expect(together).toEqual(entries.map(nameOf));
    const order = pairs.find(({ row }) => row === first.aggregate)!;
    expect(order.lines.filter(({ differs }) => differs)).toEqual([
      { column: 'status', before: 'placed', late: 'shipped', owner: 'cancelled', differs: true },
    ]);
    expect(pairs.map(({ note }) => note).sort()).toEqual([
      'changed late',
      'deleted late',
      'inserted late; the owner has no such row',
      'the owner’s, untouched by the late write',
    ]);
    const { out } = await command(['show', nameOf(first)]);
    expect(out).toMatch(/≠\s+status\s+placed\s+shipped\s+cancelled/);
    expect(out).toMatch(/from\s+orders:forward, transaction [0-9a-f-]{36}:\d+, position .*binlog\.\d+/);
    expect(out).toContain('it had given the user away (epoch 1)');
    expect(out).toMatch(/strangler quarantine resolve orders:forward:\d+ --keep late --seen [0-9a-f]{8} --reason/);
  });

  test('keeps the owner’s row: the late one is gone from both sides, and the record says who and why', async () => {
    const [entry] = await open('100');
    const { out, code } = await command(['resolve', nameOf(entry!)], { keep: 'owner', reason: 'the customer said so' });
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/the owner’s row \(service\) was kept; both sides are equal$/),
    ]);
    expect(await both('owner')).toEqual(['cancelled', 'cancelled']);
    expect(await bothItems('owner')).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(await open('100')).toEqual([]);
    const settled = await list(world.plan, { capabilities: [], status: 'resolved', user: '100', cause: undefined });
    expect(settled.map(({ resolution }) => resolution)).toEqual(
      Array(3).fill('the owner’s row was kept, by ada: the customer said so'),
    );
    const records = await readRecords(world.monolith, { capability: 'orders' });
    expect(records).toContainEqual(
      expect.objectContaining({
        event: 'quarantine-keep-owner',
        actor: 'ada',
        reason: 'the customer said so',
        inputs: expect.objectContaining({ user: '100', owner: 'service' }),
      }),
    );
    await expect(command(['resolve', nameOf(entry!)], { keep: 'owner', reason: 'again' })).rejects.toThrow(
      /was resolved at .*the customer said so; nothing is left to decide/,
    );
  });

  test('tries a late write again: it is applied once the owner’s row is as the late writer knew it', async () => {
    await disagree('again');
    const late = String(user('again'));
    const [entry] = await openOf(late, 1);
    const again = () => retry(world.plan, { entries: [nameOf(entry!)] }, 'ada', 'once more');
    expect(await again()).toMatchObject([{ settled: false, says: expect.stringContaining('still contradicts') }]);
    await world.secretly('service', "UPDATE orders SET status = 'placed' WHERE idempotency_key = 'again'");
    expect(await again()).toMatchObject([{ settled: true, says: 'applied' }]);
    await until('both', async () => (await both('again')).every((status) => status === 'shipped'));
    const settled = await list(world.plan, { capabilities: [], status: 'settled', user: late, cause: undefined });
    expect(settled.find(({ id }) => id === entry!.id)).toMatchObject({
      ...{ status: 'resolved', resolution: 'applied at another try, by ada' },
    });
  });

  test('keeps the late write: row, children and what it deleted, under the owner’s authority on both sides', async () => {
    await disagree(
      'late',
      `UPDATE orders SET status = 'shipped' WHERE idempotency_key = 'late';
       DELETE FROM order_items WHERE quantity = 1 AND order_id = ${idOf('late')};
       INSERT INTO order_items (order_id, quantity) SELECT id, 9 FROM orders WHERE idempotency_key = 'late'`,
    );
    const [entry] = await openOf('101', 3);
    await until('the correction', async () => (await statusOf('monolith', 'late')) === 'cancelled');
    await expect(command(['expect', nameOf(entry!)], { reason: 'as it should be' })).rejects.toThrow(
      /is open: decide it with strangler quarantine resolve/,
    );
    const resolved = await resolve(world.plan, nameOf(entry!), decide('late'));
    expect(resolved).toMatchObject({ owner: 'service', arrived: true });
    expect(await both('late')).toEqual(['shipped', 'shipped']);
    expect(await bothItems('late')).toEqual([
      [2, 9],
      [2, 9],
    ]);
    expect(await open('101')).toEqual([]);

    await undoOperation(world.plan, resolved.operation, { by: 'ada', reason: 'it was the wrong one' });
    expect(await both('late')).toEqual(['cancelled', 'cancelled']);
    const all = [1, 2, 9]; // what was not there before is not taken away again
    expect(await bothItems('late')).toEqual([all, all]);
  });

  test('refuses to keep the late write once the owner’s row has changed, until it has been looked at again', async () => {
    await disagree('changed');
    const [entry] = await openOf('102', 1);
    const name = nameOf(entry!);
    const before = await show(world.plan, name);
    await query('service', "UPDATE orders SET note = 'gift' WHERE idempotency_key = 'changed'");
    await expect(resolve(world.plan, name, decide('late'))).rejects.toThrow(
      `has changed since it was kept (note); look again: strangler quarantine show ${name}`,
    );
    await expect(resolve(world.plan, name, decide('owner', before.seen))).rejects.toThrow(
      'changed since they were shown',
    );
    expect(await both('changed')).toEqual(['cancelled', 'cancelled']);
    const { seen } = await show(world.plan, name);
    expect(await resolve(world.plan, name, decide('late', seen))).toMatchObject({ arrived: true });
    expect(await both('changed')).toEqual(['shipped', 'shipped']);
  });

  test('keeps a late delete of a whole aggregate, with what the owner has put below it since', async () => {
    await disagree(
      'gone',
      `DELETE FROM order_items WHERE order_id = ${idOf('gone')}; DELETE FROM orders WHERE idempotency_key = 'gone'`,
    );
    const entries = await openOf('103', 3);
    await until('the correction', async () => (await statusOf('monolith', 'gone')) === 'cancelled');
    await query(
      'service',
      "INSERT INTO order_items (order_id, quantity) SELECT id, 7 FROM orders WHERE idempotency_key = 'gone'",
    );
    expect(await resolve(world.plan, nameOf(entries[0]!), decide('late'))).toMatchObject({ arrived: true });
    expect(await both('gone')).toEqual([undefined, undefined]);
    const orphans = 'SELECT id FROM order_items WHERE order_id NOT IN (SELECT id FROM orders)';
    expect((await query('service', orphans)).rows).toEqual([]);
    await until('no orphans', async () => (await query('monolith', orphans)).rows.length === 0);
  });

  test('does not apply a late delete that would tear off what the owner has added below the row', async () => {
    await world.secretly(
      'service',
      `INSERT INTO order_items (order_id, quantity) SELECT id, 7 FROM orders WHERE idempotency_key = 'torn'`,
    );
    await world.monolith.transaction(async () => {
      await query('monolith', `DELETE FROM order_items WHERE order_id = ${idOf('torn')}`);
      await query('monolith', "DELETE FROM orders WHERE idempotency_key = 'torn'");
    });
    const [entry] = await openOf('107', 3);
    expect(await statusOf('service', 'torn')).toBe('placed');
    expect(await resolve(world.plan, nameOf(entry!), decide('owner'))).toMatchObject({ arrived: true });
    expect(await bothItems('torn')).toEqual([
      [1, 2, 7],
      [1, 2, 7],
    ]);
  });

  test('an entry becomes superseded by itself when the owner writes the same', async () => {
    await disagree('superseded');
    const [entry] = await openOf('104', 1);
    await query('service', "UPDATE orders SET status = 'shipped' WHERE idempotency_key = 'superseded'");
    await until('it', async () => (await open('104')).length === 0);
    const { entry: settled } = await show(world.plan, nameOf(entry!));
    expect(settled).toMatchObject({ status: 'superseded', resolution: 'the owner has made it so meanwhile' });
  });

  test('of two operators who decide at once one decides, and the other hears it (faults 76)', async () => {
    await disagree('race');
    const [entry] = await openOf('105', 1);
    const attempts = await Promise.allSettled([
      resolve(world.plan, nameOf(entry!), decide('owner')),
      resolve(world.plan, nameOf(entry!), decide('late')),
    ]);
    const lost = attempts.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(lost.map(({ reason }) => String(reason))).toEqual([
      expect.stringMatching(/nothing is left to decide|has changed/),
    ]);
    const won = attempts[0]!.status === 'fulfilled' ? 'cancelled' : 'shipped';
    await until('both equal', async () => (await both('race')).every((status) => status === won));
  });

  test('decides on the side that owns the user by now', async () => {
    await disagree('moved');
    const [entry] = await openOf('106', 1);
    await until('the correction', async () => (await statusOf('monolith', 'moved')) === 'cancelled');
    await moveBack(2, '106', () =>
      expect(resolve(world.plan, nameOf(entry!), decide('late'))).rejects.toThrow('user 106 is being moved just now'),
    );
    expect(await resolve(world.plan, nameOf(entry!), decide('late'))).toMatchObject({
      owner: 'monolith',
      arrived: true,
    });
    expect(await both('moved')).toEqual(['shipped', 'shipped']);
  });

  test('tries again what did not fit, and the running stream goes on with the user (faults 60)', async () => {
    const long = (key: string) =>
      query('monolith', `INSERT INTO orders (user_id, idempotency_key, note) VALUES (106, '${key}', REPEAT('x', 100))`);
    await long('long');
    await query('monolith', "UPDATE orders SET status = 'waits' WHERE idempotency_key = 'long'");
    const entries = await openOf('106', 2);
    expect(entries.map(({ cause }) => cause)).toEqual(['inapplicable', 'behind-inapplicable']);
    expect(entries[0]!.detail).toContain('check constraint');
    await expect(resolve(world.plan, nameOf(entries[0]!), decide('late'))).rejects.toThrow('is no late write');
    await expect(resolve(world.plan, nameOf(entries[0]!), decide('owner'))).rejects.toThrow(
      "the service's database does not take what the owner has now either",
    );
    const refused = await command(['retry', nameOf(entries[0]!)]);
    expect([refused.code, refused.out]).toEqual([
      1,
      expect.stringContaining('still refused by the database: new row for relation'),
    ]);

    await query('service', 'ALTER TABLE orders DROP CONSTRAINT orders_note_check');
    const { code, out } = await command(['retry'], { all: true });
    expect([code, out]).toEqual([0, entries.map((entry) => `${nameOf(entry)}: applied`).join('\n')]);
    expect(await both('long')).toEqual(['waits', 'waits']);
    await query('monolith', "UPDATE orders SET status = 'flows' WHERE idempotency_key = 'long'");
    await until('the next write', async () => (await statusOf('service', 'long')) === 'flows');
    expect(await open('106')).toEqual([]);
  });

  test('takes what the owner has now instead of what did not fit', async () => {
    await query('service', 'ALTER TABLE orders ADD CHECK (char_length(note) <= 100)');
    await query('monolith', "UPDATE orders SET note = REPEAT('y', 150) WHERE idempotency_key = 'long'");
    const [entry] = await openOf('106', 1);
    await query('monolith', "UPDATE orders SET note = 'short' WHERE idempotency_key = 'long'");
    await openOf('106', 2);
    const resolved = await resolve(world.plan, nameOf(entry!), decide('owner'));
    expect(resolved).toMatchObject({ owner: 'monolith', arrived: true, entries: { length: 2 } });
    expect(await open('106')).toEqual([]);
  });

  test('what waits of two users because a row went from one to the other is tried again together', async () => {
    await moveBack(3, '120');
    await moveBack(4, '121');
    await query(
      'monolith',
      "INSERT INTO orders (user_id, idempotency_key, note) VALUES (120, 'given', REPEAT('z', 150))",
    );
    const [first] = await openOf('120', 1);
    await query('monolith', "UPDATE orders SET user_id = 121, note = 'given' WHERE idempotency_key = 'given'");
    const [given] = await openOf('121', 1);
    expect([first!.cause, given!.cause]).toEqual(['inapplicable', 'behind-inapplicable']);
    // Alone, the newer one would fit; the older one, tried later, would be written over it.
    expect(await command(['retry', nameOf(given!)])).toEqual({
      code: 0,
      out: [first, given].map((entry) => `${nameOf(entry!)}: applied`).join('\n'),
    });
    expect((await query('service', "SELECT user_id, note FROM orders WHERE idempotency_key = 'given'")).rows).toEqual([
      { user_id: 121, note: 'given' },
    ]);
  });

  test('leaves both sides equal, and says so to status and Prometheus', async () => {
    await until('no open entry', () => cdc.quarantined(stream('forward')) === 0);
    await until('nothing differing', async () => (await verify(world.plan, 'orders')).mismatches === 0);
  });

  test('names what is wrong with what it is asked', async () => {
    await expect(command(['show', 'nonsense'])).rejects.toThrow('"nonsense" names no entry');
    await expect(command(['show', 'orders:forward:999'])).rejects.toThrow('there is no entry orders:forward:999');
    await expect(command(['show', 'payments:forward:1'])).rejects.toThrow('the Plan syncs no capability payments');
    await expect(command(['resolve', 'orders:forward:1'], { keep: 'owner' })).rejects.toThrow('needs --reason');
    await expect(command(['list'], { state: 'closed' })).rejects.toThrow('--state closed is none of open');
    await expect(command(['frob'])).rejects.toThrow('not frob');
  });
});
