import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type KeptEntry, readCauses, readOwnership, unexpectedOf } from '@strangler/ledger';
import { type Cause, directionInto } from '@strangler/plan';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { expectKept } from '../quarantine/expect.ts';
import { undo, undoOperation } from '../quarantine/undo.ts';
import { list, show } from '../quarantine/view.ts';
import { runCopy } from '../recopy/commands.ts';
import { preview } from '../recopy/preview.ts';
import { repair } from '../recopy/recopy.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

type On = 'monolith' | 'service';

let world: World;
let cdc: Cdc;

/** The monolith owns everybody but this user. */
const MOVED = 2;
const query = (on: On, sql: string) => world[on].query<Record<string, unknown>>(sql);
const orderOf = async (on: On, key: string) =>
  (await query(on, `SELECT status, note FROM orders WHERE idempotency_key = '${key}'`)).rows[0] as
    | { status: string; note: string | null }
    | undefined;
const noteOf = async (on: On, key: string) => (await orderOf(on, key))?.note;
const both = async (key: string) => [await noteOf('monolith', key), await noteOf('service', key)];
const noted = (key: string, note: string) => `UPDATE orders SET note = '${note}' WHERE idempotency_key = '${key}'`;
const is = (on: On, key: string, note: string) =>
  until(`${note} on the ${on}`, async () => (await noteOf(on, key)) === note);

/** What a side’s database counts, by cause: all, and what nobody has looked at. */
async function counted(on: On): Promise<Partial<Record<Cause, [rows: number, unexpected: number]>>> {
  const causes = await readCauses(world[on], stream(directionInto(on)));
  return Object.fromEntries(causes.map((row) => [row.cause, [row.kept, unexpectedOf(row)]]));
}
const entries = async (on: On, cause: Cause): Promise<KeptEntry[]> => {
  const all = await list(world.plan, { capabilities: [], status: 'settled', user: undefined, cause });
  return all.filter((entry) => entry.stream === stream(directionInto(on)));
};
const untilKept = async (on: On, cause: Cause, after = '') =>
  until(`${cause} kept on the ${on}`, async () =>
    (await entries(on, cause)).find((entry) => (entry.after ?? '').includes(after)),
  ).then((entry) => entry!);
const nameOf = ({ stream: of, id }: KeptEntry) => `${of}:${id}`;
const image = (text: string | null) => JSON.parse(text ?? 'null') as Record<string, string | null> | null;
const asAda = { by: 'ada', reason: 'a test' };
const forget = async () => {
  await expectKept(world.plan, { capabilities: ['orders'], cause: undefined }, 'ada', 'a test');
};

beforeAll(async () => {
  world = await makeWorld(await servers());
  const orders = Array.from({ length: 40 }, (_, at) => `(${1 + (at % 4)}, 'old-${at}')`);
  await query('monolith', `INSERT INTO orders (user_id, idempotency_key) VALUES ${orders.join(', ')}`);
  await query('monolith', 'INSERT INTO order_items (order_id, quantity) SELECT id, 1 FROM orders');
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1, String(MOVED));
  await until('the grant', async () => (await readOwnership(world.monolith, stream('reverse'))).length === 1);
});
afterAll(() => world?.destroy());

describe('what the sync overwrites, supersedes or applies late is kept with both images, and counted (faults 85)', () => {
  test('nothing in ordinary life: copied, inserted, changed again and again, deleted, on either side', async () => {
    for (const [on, user] of [
      ['monolith', 1],
      ['service', MOVED],
    ] as const) {
      await query(on, `INSERT INTO orders (user_id, idempotency_key) VALUES (${user}, 'new-${on}')`);
      for (const note of ['a', 'b', 'c']) await query(on, noted(`new-${on}`, note));
      await world[on].transaction(async () => {
        await query(on, noted(`new-${on}`, 'd'));
        await query(on, `DELETE FROM orders WHERE idempotency_key = 'new-${on}'`);
        await query(on, `INSERT INTO orders (user_id, idempotency_key, note) VALUES (${user}, 'new-${on}', 'e')`);
      });
      await query(on, noted(`old-${user - 1}`, 'by its owner'));
    }
    await is('service', 'new-monolith', 'e');
    await is('monolith', 'new-service', 'e');
    await is('service', 'old-0', 'by its owner');
    await is('monolith', 'old-1', 'by its owner');
    expect([await counted('monolith'), await counted('service')]).toEqual([{}, {}]);
  });

  test('nothing when a delivery is repeated: the row is there already', async () => {
    const { rows } = await query('service', `SELECT * FROM strangler_checkpoint WHERE stream = '${stream('forward')}'`);
    await query('monolith', noted('old-4', 'twice'));
    await is('service', 'old-4', 'twice');
    await cdc.stop();
    const { position, kafka_offset: offset, tick } = rows[0]!;
    await world.secretly(
      'service',
      `UPDATE strangler_checkpoint SET position = '${position}', kafka_offset = ${offset}, tick = ${tick}
       WHERE stream = '${stream('forward')}'`,
    );
    cdc = world.start();
    await untilRunning(cdc);
    await query('monolith', noted('old-8', 'after it'));
    await is('service', 'old-8', 'after it');
    expect(await counted('service')).toEqual({});
  });

  test('a row that somebody had changed behind the sync, when its owner writes over it', async () => {
    await world.secretly('service', noted('old-12', 'secret'));
    await query('monolith', "UPDATE orders SET status = 'paid' WHERE idempotency_key = 'old-12'");
    const entry = await untilKept('service', 'overwritten');
    expect([entry.status, entry.user, entry.aggregate]).toEqual(['kept', '1', `orders ${image(entry.after)!.id}`]);
    expect(image(entry.before)).toMatchObject({ status: 'placed', note: null });
    expect(image(entry.after)).toMatchObject({ status: 'placed', note: 'secret' });
    expect(image(entry.owner)).toMatchObject({ status: 'paid', note: null });
    expect(await orderOf('service', 'old-12')).toEqual({ status: 'paid', note: null });

    await world.secretly('service', noted('old-16', 'secret too'));
    await query('monolith', "DELETE FROM orders WHERE idempotency_key = 'old-16'");
    expect(image((await untilKept('service', 'overwritten', 'secret too')).owner)).toBeNull();
    expect(await counted('service')).toEqual({ overwritten: [2, 2] });
  });

  test('which while a lost piece of the log is copied again is no reason to look', async () => {
    const lost = (at: string) =>
      `UPDATE strangler_checkpoint SET lost_at = ${at} WHERE stream = '${stream('forward')}'`;
    await world.secretly('service', lost('now()'));
    await world.secretly('service', noted('old-28', 'older'));
    await query('monolith', noted('old-28', 'newer'));
    await untilKept('service', 'recopied', 'older');
    await world.secretly('service', lost('NULL'));
    expect(await counted('service')).toEqual({ overwritten: [2, 2], recopied: [1, 0] });
  });

  test('a rogue write that nothing contradicts is applied, and kept', async () => {
    await query('service', noted('old-20', 'rogue'));
    await is('monolith', 'old-20', 'rogue');
    const entry = await untilKept('monolith', 'rogue-applied');
    expect([entry.status, entry.user, entry.epoch]).toEqual(['kept', '1', null]);
    expect([image(entry.before)!.note, image(entry.after)!.note, image(entry.owner)!.note]).toEqual([
      null,
      'rogue',
      null,
    ]);
    expect(await counted('monolith')).toEqual({ 'rogue-applied': [1, 1] });
  });

  test('a late write likewise; but what is born on the other side takes the place of nothing, and is counted only', async () => {
    await query('monolith', noted('old-5', 'late'));
    await is('service', 'old-5', 'late');
    expect((await untilKept('service', 'late-applied')).epoch).toBe(1);
    await query('monolith', `INSERT INTO orders (user_id, idempotency_key, note) VALUES (${MOVED}, 'born', 'b')`);
    await is('service', 'born', 'b');
    expect(await counted('service')).toMatchObject({ 'late-applied': [1, 1], born: [1, 0] });
  });

  test('a row that a correction replaces; one that is in quarantine already is not kept twice', async () => {
    await world.secretly('service', noted('old-9', 'the owner’s')); // so that the late write contradicts it
    await query('monolith', noted('old-9', 'contradicts'));
    await is('monolith', 'old-9', 'the owner’s');
    expect((await counted('monolith')).corrected).toBeUndefined();

    await world.secretly('monolith', noted('old-13', 'unseen'));
    await query(
      'monolith',
      "UPDATE order_items SET quantity = 5 WHERE order_id = (SELECT id FROM orders WHERE idempotency_key = 'old-13')",
    );
    const entry = await untilKept('monolith', 'corrected');
    expect([image(entry.after)!.note, image(entry.owner)!.note]).toEqual(['unseen', null]);
    expect(await counted('monolith')).toMatchObject({ corrected: [1, 1] });
  });

  test('stays a reason to look until somebody calls it expected', async () => {
    const { id } = await untilKept('monolith', 'rogue-applied');
    const rows = await expectKept(world.plan, { entries: [`${stream('reverse')}:${id}`] }, 'ada', 'the import of May');
    expect([rows, (await counted('monolith'))['rogue-applied']]).toEqual([1, [1, 0]]);
    await expectKept(world.plan, { capabilities: ['orders'], cause: 'overwritten' }, 'ada', 'a test');
    expect(await counted('service')).toMatchObject({ overwritten: [2, 0], 'late-applied': [2, 2] });
    await forget();
    expect(await counted('service')).toMatchObject({ overwritten: [2, 0], 'late-applied': [2, 0] });
  });
});

describe('what was overwritten can be put back', () => {
  test('on both sides, and that be undone as well', async () => {
    const entry = await untilKept('service', 'overwritten', '"secret"');
    const { operation, results } = await undo(world.plan, nameOf(entry), { ...asAda, seen: undefined });
    expect(results).toMatchObject([{ undone: true, arrived: true }]);
    expect(await both('old-12')).toEqual(['secret', 'secret']);
    expect((await orderOf('monolith', 'old-12'))!.status).toBe('placed');
    await until('kept on both sides', async () => (await entries('service', 'undone')).length);
    await undoOperation(world.plan, operation, asAda);
    expect(await both('old-12')).toEqual([null, null]);
    expect((await orderOf('monolith', 'old-12'))!.status).toBe('paid');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('but not what was written since, unless somebody has seen it', async () => {
    const entry = await untilKept('service', 'late-applied');
    await query('service', noted('old-5', 'written since'));
    await is('monolith', 'old-5', 'written since');
    await expect(undo(world.plan, nameOf(entry), { ...asAda, seen: undefined })).rejects.toThrow(
      /is not what it was made then: undoing would take away what was written since/,
    );
    const shown = await show(world.plan, nameOf(entry));
    if (!shown.undo || 'not' in shown.undo) throw new Error('it cannot be undone');
    expect(shown.undo.changed).toHaveLength(1);
    await undo(world.plan, nameOf(entry), { ...asAda, seen: shown.undo.seen });
    expect(await both('old-5')).toEqual([null, null]);
    await expect(undo(world.plan, nameOf(entry), { ...asAda, seen: shown.undo.seen })).rejects.toThrow(
      /have changed since they were shown/,
    );
  });
});

describe('repair', () => {
  const differ = async () => {
    await world.secretly('service', noted('old-24', 'the better one'));
    await world.secretly('monolith', noted('old-17', 'the worse one')); // of a user who lives on the service
  };

  test('says first what it would write, whose truth that takes, and writes nothing', async () => {
    await differ();
    const { rows, stopped, unclear } = await preview(world.plan, 'orders', () => {});
    expect([stopped, unclear]).toEqual([[], []]);
    expect(rows.map(({ user, owner, does, columns }) => ({ user, owner, does, columns }))).toEqual([
      { user: '2', owner: 'service', does: 'update', columns: [{ column: 'note', from: 'the worse one', to: null }] },
      { user: '1', owner: 'monolith', does: 'update', columns: [{ column: 'note', from: 'the better one', to: null }] },
    ]);
    const lines: string[] = [];
    const output = { say: (line: string) => void lines.push(line), progress: () => {} };
    const asked = { words: [], apply: false, by: 'ada', reason: 'a test', json: false };
    expect(await runCopy(world.plan, 'repair', asked, output)).toBe(0);
    expect(lines.join('\n')).toMatch(
      /orders\.orders: 1 row would be written on the service, as the monolith, its owner, has it\n.*\nupdate +\d+ +1 +note +the better one +NULL/,
    );
    expect(lines.join('\n')).toContain('Nothing was written. To do it: strangler repair orders --apply');
    expect(await both('old-24')).toEqual([null, 'the better one']);
    expect(await both('old-17')).toEqual(['the worse one', null]);
  });

  test('keeps what it overwrites, so that all of it can be taken back', async () => {
    const { operation, copied, mismatches } = await repair(world.plan, 'orders', { ...asAda, progress: () => {} });
    expect([copied, mismatches]).toEqual([2, 0]);
    expect(await both('old-24')).toEqual([null, null]);
    const kept = await until('both kept', async () => {
      const all = [...(await entries('service', 'repaired')), ...(await entries('monolith', 'repaired'))];
      return all.length === 2 ? all : undefined;
    });
    expect(kept!.map((entry) => [entry.operation, image(entry.after)!.note])).toEqual([
      [operation, 'the better one'],
      [operation, 'the worse one'],
    ]);
    const [better] = kept as [KeptEntry];
    expect(
      unexpectedOf((await readCauses(world.service, better.stream)).find(({ cause }) => cause === 'repaired')!),
    ).toBe(0);
    const { results } = await undoOperation(world.plan, operation, asAda);
    expect(results.map(({ undone }) => undone)).toEqual([true, true]);
    expect(await both('old-24')).toEqual(['the better one', 'the better one']);
    expect(await both('old-17')).toEqual(['the worse one', 'the worse one']);
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });
});
