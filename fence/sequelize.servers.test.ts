import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import type { RequestHandler } from 'express';
import { DataTypes, Sequelize, type Transaction } from 'sequelize';
import { createFence } from './index.cjs';
import { GROUP, makeShop, type Shop, serve } from './testing/shop.ts';

let shop: Shop;
let sequelize: Sequelize;
const fence = createFence({
  ...{ capability: 'notes', group: GROUP, side: 'monolith' },
  user: (request) => request.get('user') || undefined,
});
beforeAll(async () => {
  shop = await makeShop('monolith', await servers(), `fence_s${process.pid}`);
  // One connection: whoever leaves it in a transaction, or keeps it, is found out by the next.
  sequelize = new Sequelize(shop.url, { dialect: 'mysql', logging: false, pool: { max: 1, acquire: 5_000 } });
  fence.sequelize(sequelize);
});
beforeEach(() => shop.clear());
afterAll(async () => {
  await sequelize.close();
  await shop.drop();
});

const insert = (words: string, transaction?: Transaction) =>
  sequelize.query(`INSERT INTO notes (user_id, words) VALUES ('7', '${words}')`, transaction ? { transaction } : {});
const asked = async (handler: RequestHandler, user = '7', method = 'POST') => {
  const served = await serve(fence, async (request, response, next) => {
    await handler(request, response, next);
    if (!response.headersSent) response.json({});
  });
  const answer = await served.ask(user, method).finally(served.stop);
  return answer.status;
};
const Note = () =>
  sequelize.define('notes', { user_id: DataTypes.STRING, words: DataTypes.STRING }, { timestamps: false });

const WAYS: Record<string, RequestHandler> = {
  'a model outside of a transaction': async () => void (await Note().create({ user_id: '7', words: 'x' })),
  'SQL outside of a transaction': async () => void (await insert('x')),
  'several at once outside of a transaction': async () => void (await Promise.all([insert('x'), insert('y')])),
  'findOrCreate, which opens one of its own': async () =>
    void (await Note().findOrCreate({ where: { user_id: '7' }, defaults: { words: 'x' } })),
  'a managed transaction': () => sequelize.transaction(async (transaction) => void (await insert('x', transaction))),
  'a savepoint within one': () =>
    sequelize.transaction((outer) =>
      sequelize.transaction({ transaction: outer }, async (inner) => void (await insert('x', inner))),
    ),
  'an unmanaged transaction': async () => {
    const transaction = await sequelize.transaction();
    try {
      await insert('x', transaction);
      await transaction.commit();
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
  },
  'an unmanaged transaction nobody ever ends': async () => {
    const transaction = await sequelize.transaction();
    await insert('x', transaction);
    await transaction.commit();
  },
  'a hook after a commit': () =>
    sequelize.transaction(async (transaction) => {
      await sequelize.query('SELECT 1', { transaction });
      transaction.afterCommit(async () => void (await insert('x')));
    }),
};

test.each(Object.entries(WAYS))(
  '%s writes for a user of its own, and writes nothing for one given away',
  async (_name, write) => {
    expect(await asked(write)).toBe(200);
    const written = await shop.notes();
    expect(written.length).toBeGreaterThan(0);
    await shop.handoff('barrier', 2);
    expect(await asked(write)).toBe(409);
    expect(await shop.notes()).toEqual(written);
    await shop.handoff('cancel', 2);
    expect(await asked(write)).toBe(200);
  },
);

test('a transaction opened before the middleware saw the request is checked all the same', async () => {
  const transaction = await sequelize.transaction();
  await shop.handoff('barrier', 2);
  expect(await asked(async () => void (await insert('x', transaction)))).toBe(409);
  await expect(insert('swallowed', transaction)).rejects.toMatchObject({ code: 'given-away' });
  await transaction.commit();
  expect(await shop.notes()).toEqual([]);
});

test('an application that swallows a refusal and commits has written nothing', async () => {
  await shop.handoff('barrier', 2);
  const transaction = await sequelize.transaction();
  await expect(fence.check(transaction, '7')).rejects.toMatchObject({ code: 'given-away' });
  await expect(insert('swallowed', transaction)).rejects.toMatchObject({ code: 'given-away' });
  await transaction.commit();
  expect(await shop.notes()).toEqual([]);
});

test('reads pass: GET as it is, and a SELECT outside of a transaction in any request', async () => {
  await shop.handoff('barrier', 2);
  const read = async () => void (await sequelize.query('SELECT * FROM notes', { type: 'SELECT' }));
  expect([await asked(read, '7', 'GET'), await asked(read)]).toEqual([200, 200]);
});

test('a statement that fails leaves no transaction behind, and its own error', async () => {
  const failing = async () => {
    await expect(sequelize.query('INSERT INTO nowhere VALUES (1)')).rejects.toThrow(/nowhere|denied/);
    await insert('after');
  };
  expect(await asked(failing)).toBe(200);
  expect(await shop.notes()).toEqual(['after']);
});

test.each([1, 5])('a write whose connection dies gives it back, whatever the size of the pool: %i', async (max) => {
  const pooled = new Sequelize(shop.url, { dialect: 'mysql', logging: false, pool: { max, acquire: 5_000 } });
  fence.sequelize(pooled);
  const write = (sql: string) => async () => void (await pooled.query(sql));
  try {
    for (let time = 0; time <= max; time++) expect(await asked(write('KILL CONNECTION_ID()'))).toBe(500);
    expect(await asked(write("INSERT INTO notes (user_id, words) VALUES ('7', 'after')"))).toBe(200);
    expect(await shop.notes()).toEqual(['after']);
  } finally {
    await pooled.close();
  }
});

test('a route that goes on from an event of the body, as parsers of forms do, is checked all the same', async () => {
  await shop.handoff('barrier', 2);
  const write: RequestHandler = (request) =>
    new Promise<void>((_, failed) => {
      request.resume().once('end', () => insert('x').then(() => failed(new Error('written')), failed));
    });
  const served = await serve(fence, write);
  const bytes = new TextEncoder().encode('some');
  let sent = 0;
  const slow = new ReadableStream({
    async pull(body) {
      body.enqueue(bytes);
      await new Promise((resolve) => setTimeout(resolve, 100)); // the request is with its route meanwhile
      if (++sent === 3) body.close();
    },
  });
  expect((await served.ask('7', 'POST', slow).finally(served.stop)).status).toBe(409);
  expect(await shop.notes()).toEqual([]);
});

test('on Postgres, who was let through in a savepoint that is rolled back is checked again', async () => {
  const service = await makeShop('service', await servers(), `fence_p${process.pid}`);
  const pool = new Sequelize(service.url, { dialect: 'postgres', logging: false });
  const guarded = createFence({ capability: 'notes', group: GROUP, side: 'service', user: () => null });
  guarded.sequelize(pool);
  try {
    await service.handoff('grant', 1);
    const outer = await pool.transaction();
    const inner = await pool.transaction({ transaction: outer });
    await guarded.check(inner, '7');
    await inner.rollback();
    await service.handoff('barrier', 2); // nobody holds the lock any more
    await expect(guarded.check(outer, '7')).rejects.toMatchObject({ code: 'given-away' });
    await outer.rollback();
  } finally {
    await pool.close();
    await service.drop();
  }
});

test('a job names its user, and other work than requests goes on unseen', async () => {
  await shop.handoff('barrier', 2);
  const job = (user: string) =>
    sequelize.transaction(async (transaction) => {
      await fence.check(transaction, user);
      await insert('job', transaction);
    });
  await expect(job('7')).rejects.toMatchObject({ code: 'given-away' });
  await insert('unseen');
  expect(await shop.notes()).toEqual(['unseen']);
});

test('users who are not plainly one are refused with the reason, before anything is done', async () => {
  expect(await asked(async () => void (await insert('x')), '')).toBe(500);
  expect(await shop.notes()).toEqual([]);
});

test('null is nobody’s write, and is not checked', async () => {
  const nobody = createFence({ capability: 'notes', group: GROUP, side: 'monolith', user: () => null });
  nobody.sequelize(sequelize);
  await shop.handoff('barrier', 2);
  const served = await serve(nobody, async (_request, response) => {
    await insert('nobody');
    response.json({});
  });
  expect((await served.ask('7').finally(served.stop)).status).toBe(200);
});

test('a write the fence has not seen is told of, once', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const blind = createFence({ capability: 'notes', group: GROUP, side: 'monolith', user: () => '7' }); // and no sequelize()
  const served = await serve(blind, async (_request, response) => {
    await insert('past it');
    response.json({});
  });
  expect([(await served.ask('7')).status, (await served.ask('7')).status]).toEqual([200, 200]);
  await served.stop();
  const told = warn.mock.calls.map(([message]) => message);
  warn.mockRestore();
  expect(told).toEqual([expect.stringMatching(/the fence of notes saw no write.*fence\.sequelize\(\)/)]);
});
