import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeHandoff } from '@strangler/ledger';
import { bucketOf, type Side } from '@strangler/plan';
import { servers } from '@strangler/servers';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { createFence, type Fence, FenceSetupError } from './index.cjs';
import { ALL, GROUP, inControl, makeShop, named, type Shop, serve } from './testing/shop.ts';

/** A writer's transaction, taken step by step. */
type Writer = {
  /** Opens it, above READ COMMITTED if asked, and reads once, so that there is a snapshot. */
  begin(repeatable?: boolean): Promise<void>;
  check(user: string): Promise<void>;
  write(words: string): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
};

const NOTE = "INSERT INTO notes (user_id, words) VALUES ('7', ";

/** The two ways in which the example's applications write. */
const SIDES = {
  monolith: (url: string) => {
    const sequelize = new Sequelize(url, { dialect: 'mysql', logging: false });
    return {
      writer(fence: Fence): Writer {
        let transaction: Awaited<ReturnType<Sequelize['transaction']>>;
        const run = (sql: string) => sequelize.query(sql, { transaction });
        return {
          async begin(repeatable = false) {
            const isolationLevel = (repeatable ? 'REPEATABLE READ' : 'READ COMMITTED') as never;
            transaction = await sequelize.transaction({ isolationLevel });
            await run('SELECT COUNT(*) FROM notes');
          },
          check: (user) => fence.check(transaction, user),
          write: async (words) => void (await run(`${NOTE}'${words}')`)),
          commit: () => transaction.commit(),
          rollback: () => transaction.rollback(),
        };
      },
      install: (fence: Fence) => fence.sequelize(sequelize),
      /** A request's write: one transaction. */
      note: (_fence: Fence, words: string) =>
        sequelize.transaction(
          async (transaction) => void (await sequelize.query(`${NOTE}'${words}')`, { transaction })),
        ),
      close: () => sequelize.close(),
    };
  },
  service: (url: string) => {
    const pool = new pg.Pool({ connectionString: url, max: 5 });
    pool.on('error', () => {}); // its database is dropped behind it
    return {
      writer(fence: Fence): Writer {
        let client: pg.PoolClient | undefined;
        const end = async (how: string) => {
          const mine = client;
          client = undefined;
          await mine?.query(how).finally(() => mine.release());
        };
        return {
          async begin(repeatable = false) {
            client = await pool.connect();
            await client.query(`BEGIN ISOLATION LEVEL ${repeatable ? 'REPEATABLE READ' : 'READ COMMITTED'}`);
            await client.query('SELECT COUNT(*) FROM notes');
          },
          check: (user) => fence.check(client ?? pool, user),
          write: async (words) => void (await client!.query(`${NOTE}'${words}')`)),
          commit: () => end('COMMIT'),
          rollback: () => end('ROLLBACK'),
        };
      },
      install: (_fence: Fence) => {},
      note: (fence: Fence, words: string) =>
        fence.transaction(pool, async (client) => void (await client.query(`${NOTE}'${words}')`))),
      close: () => pool.end(),
    };
  },
};

const STALE = { code: 'stale', status: 409, headers: { 'strangler-fence': 'stale' } };
const GIVEN_AWAY = { status: 409, fence: 'given-away', body: { error: { code: 'given-away' } } };
const fenceOf = (side: Side, capability = 'notes') =>
  createFence({ capability, group: GROUP, side, user: (request) => request.get('user') });

describe.each(['monolith', 'service'] as const)('the fence of the %s', (side) => {
  let shop: Shop;
  let application: ReturnType<(typeof SIDES)[Side]>;
  let admin: string;
  let fence: Fence;
  beforeAll(async () => {
    const all = await servers();
    const name = `fence_${side}_${process.pid}`;
    shop = await makeShop(side, all, name);
    const { user, password, host, port } = all[side === 'monolith' ? 'mysql' : 'postgres'];
    admin = `${side === 'monolith' ? 'mysql' : 'postgres'}://${user}:${password}@${host}:${port}/${name}`;
    application = SIDES[side](shop.url);
    fence = fenceOf(side);
    application.install(fence);
  });
  beforeEach(async () => {
    await shop.clear();
    if (side === 'service') await shop.handoff('grant', 1); // or it would own nobody
  });
  /** A test that fails must leave no lock behind. */
  const open: Writer[] = [];
  const writerOf = (fence: Fence, of = application): Writer => {
    const writer = of.writer(fence);
    open.push(writer);
    return writer;
  };
  afterEach(async () => {
    for (const writer of open.splice(0)) await writer.rollback().catch(() => {});
  });
  afterAll(async () => {
    await application.close();
    await shop.drop();
  });

  /** Asks for a write as this user, with the fence. */
  const ask = async (user: string, words: string) => {
    const served = await serve(fence, async (_request, response) => {
      await application.note(fence, words);
      response.json({});
    });
    try {
      return await served.ask(user);
    } finally {
      await served.stop();
    }
  };
  const mayWrite = async (user: string) => {
    const writer = writerOf(fence);
    await writer.begin();
    const may = await writer.check(user).then(
      () => true,
      (error) => error.code !== 'given-away',
    );
    await writer.rollback();
    return may;
  };
  /** Resolves once somebody waits for a lock. */
  const somebodyWaits = async () => {
    const sql =
      side === 'monolith'
        ? "SELECT 1 AS one FROM performance_schema.data_locks WHERE LOCK_STATUS = 'WAITING' AND OBJECT_SCHEMA = DATABASE()"
        : 'SELECT 1 AS one FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())';
    while (!(await shop.admin.query(sql)).rows.length) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('lets a user write who is its own, and answers 409 for one it gave away, with nothing written', async () => {
    expect((await ask('7', 'mine')).status).toBe(200);
    await shop.handoff('barrier', 2);
    expect(await ask('7', 'late')).toMatchObject(GIVEN_AWAY);
    expect(await shop.notes()).toEqual(['mine']);
  });

  test('before any handoff the monolith owns everybody and the service nobody', async () => {
    await shop.clear();
    expect(await mayWrite('7')).toBe(side === 'monolith');
  });

  test('a cancel takes back, a grant receives, also one by force, and a user named once goes only by name', async () => {
    expect(await mayWrite('7')).toBe(true);
    await shop.handoff('barrier', 2);
    expect(await mayWrite('7')).toBe(false);
    await shop.handoff('cancel', 2);
    expect(await mayWrite('7')).toBe(true);
    await shop.handoff('barrier', 3, named('7'));
    expect([await mayWrite('7'), await mayWrite('8')]).toEqual([false, true]);
    await shop.handoff('barrier', 4);
    await shop.handoff('grant', 5, ALL, true);
    expect([await mayWrite('7'), await mayWrite('8')]).toEqual([false, true]);
    await shop.handoff('grant', 6, named('7'), true);
    expect(await mayWrite('7')).toBe(true);
  });

  test('what it remembers of a migration that was removed says nothing about the next one, whose epochs begin again', async () => {
    await shop.handoff('barrier', 2);
    await shop.handoff('cancel', 2);
    expect(await mayWrite('7')).toBe(true);
    await shop.clear();
    await shop.handoff('barrier', 2);
    expect(await mayWrite('7')).toBe(false);
  });

  test('the barrier waits for a writer who was let through before it, and is in the log behind the write', async () => {
    const writer = writerOf(fence);
    await writer.begin();
    await writer.check('7');
    const steps: string[] = [];
    const barrier = shop.handoff('barrier', 2).then(() => steps.push('barrier'));
    await somebodyWaits();
    await writer.write('in time');
    steps.push('write');
    await writer.commit();
    await barrier;
    expect(steps).toEqual(['write', 'barrier']);
    expect(await shop.notes()).toEqual(['in time']);
    expect(await mayWrite('7')).toBe(false);
  });

  test('a writer who comes while the barrier is being written waits for it, and is refused', async () => {
    let asked: Promise<boolean> | undefined;
    await inControl(admin, async (control) => {
      await writeHandoff(control, { capability: 'notes', epoch: 2, kind: 'barrier', subject: ALL, forced: false });
      asked = mayWrite('7');
      await somebodyWaits();
    });
    expect(await asked).toBe(false);
  });

  test('a writer who comes while a barrier is being written that fails is let through', async () => {
    let asked: Promise<boolean> | undefined;
    const failing = inControl(admin, async (control) => {
      await writeHandoff(control, { capability: 'notes', epoch: 2, kind: 'barrier', subject: ALL, forced: false });
      asked = mayWrite('7');
      await somebodyWaits();
      throw new Error('control has died');
    });
    await expect(failing).rejects.toThrow('control has died');
    expect(await asked).toBe(true);
  });

  test('a transaction that reads as things were before the barrier is refused all the same', async () => {
    const writer = writerOf(fence);
    await writer.begin(true);
    await shop.handoff('barrier', 2);
    await expect(writer.check('7')).rejects.toMatchObject(STALE);
    await writer.rollback();
    // And also when others have read the log meanwhile.
    const another = writerOf(fence);
    await shop.handoff('cancel', 2);
    expect(await mayWrite('7')).toBe(true);
    await another.begin(true);
    await shop.handoff('barrier', 3);
    expect(await mayWrite('7')).toBe(false);
    await expect(another.check('7')).rejects.toMatchObject(STALE);
    await another.rollback();
  });

  test('faults 79: to be asked again is said apart from given away: the barrier may be another user’s, or cancelled', async () => {
    const bucket = bucketOf(GROUP, '7');
    const other = Array.from({ length: 10_000 }, (_, nth) => `o${nth}`).find(
      (user) => Math.floor(bucketOf(GROUP, user) / 100) === Math.floor(bucket / 100),
    )!;
    for (const kinds of [['barrier'], ['barrier', 'cancel']] as const) {
      const writer = writerOf(fence);
      await writer.begin(true);
      for (const kind of kinds) await shop.handoff(kind, kinds.length + 1, named(other));
      await expect(writer.check('7')).rejects.toMatchObject(STALE);
      await writer.rollback();
      expect(await mayWrite('7')).toBe(true);
    }
  });

  test('a transaction that repeats its reads is let through while nobody has moved', async () => {
    await shop.handoff('barrier', 2);
    await shop.handoff('cancel', 2);
    const writer = writerOf(fence);
    await writer.begin(true);
    await writer.check('7');
    await writer.write('mine');
    await writer.commit();
    expect(await shop.notes()).toEqual(['mine']);
  });

  test('a barrier does not wait for ever: after a second it fails, nothing is in the log, and it may be tried again', async () => {
    const writer = writerOf(fence);
    await writer.begin();
    await writer.check('7');
    await expect(shop.handoff('barrier', 2)).rejects.toThrow(/[Ll]ock|timeout/);
    await writer.write('slow');
    await writer.commit();
    expect(await mayWrite('7')).toBe(true);
    await shop.handoff('barrier', 2);
    expect(await mayWrite('7')).toBe(false);
  });

  test('a barrier waits for nobody outside of its percent, nor for another capability', async () => {
    const part = Math.floor(bucketOf(GROUP, '7') / 100) * 100;
    const letters = fenceOf(side, 'letters');
    await inControl(admin, (control) =>
      writeHandoff(control, { capability: 'letters', epoch: 1, kind: 'grant', subject: ALL, forced: false }),
    );
    const [writer, other] = [writerOf(fence), writerOf(letters)];
    await writer.begin();
    await writer.check('7');
    await other.begin();
    await other.check('8');
    if (part > 0) await shop.handoff('barrier', 2, { lo: 0, hi: part });
    if (part < 9_900) await shop.handoff('barrier', 3, { lo: part + 100, hi: 10_000 });
    await writer.write('unmoved');
    await writer.commit();
    await other.rollback();
    expect(await shop.notes()).toEqual(['unmoved']);
  });

  test('cancels and grants wait for no writer', async () => {
    await shop.handoff('barrier', 2, { lo: 0, hi: 1 });
    const writer = writerOf(fence);
    await writer.begin();
    await writer.check('7');
    await shop.handoff('cancel', 2, { lo: 0, hi: 1 });
    await shop.handoff('grant', 3, ALL, true);
    await writer.rollback();
  });

  test('an application that swallows the refusal and writes on writes nothing', async () => {
    await shop.handoff('barrier', 2);
    const writer = writerOf(fence);
    await writer.begin();
    await expect(writer.check('7')).rejects.toMatchObject({ code: 'given-away' });
    await expect(writer.write('swallowed')).rejects.toThrow();
    await writer.commit();
    expect(await shop.notes()).toEqual([]);
  });

  test('a refusal behind a part that is done already is 503 without the header: who sends it again must know its key', async () => {
    const served = await serve(fence, async (_request, response) => {
      await application.note(fence, 'first');
      await shop.handoff('barrier', 2);
      await application.note(fence, 'second');
      response.json({});
    });
    const { status, fence: header, headers, body } = await served.ask('7');
    await served.stop();
    expect({ status, header, code: body.error.code }).toEqual({ status: 503, header: null, code: 'given-away-midway' });
    expect(headers.get('retry-after')).toBe('1');
    expect(await shop.notes()).toEqual(['first']);
  });

  test('writers at work while everybody is given away and taken back: each write is before a barrier or refused', async () => {
    let done = false;
    const writing = Array.from({ length: 4 }, async (_, nth) => {
      for (let at = 0; !done; at++) {
        const writer = writerOf(fence);
        await writer.begin(nth % 2 === 1);
        const user = String(nth * 1_000 + at);
        const may = await writer.check(user).then(
          () => true,
          () => false,
        );
        if (may) await writer.write(user);
        await (may ? writer.commit() : writer.rollback());
      }
    });
    for (let epoch = 2; epoch < 20; epoch += 2) {
      await shop.handoff('barrier', epoch);
      const before = await shop.notes();
      await new Promise((resolve) => setTimeout(resolve, 15));
      expect(await shop.notes()).toEqual(before);
      await shop.handoff('grant', epoch + 1);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    done = true;
    await Promise.all(writing);
    expect((await shop.notes()).length).toBeGreaterThan(10);
  });

  test('a user without the documented rights is told which to ask for, a capability without a fence what to run', async () => {
    const stranger = SIDES[side](shop.other);
    const writer = writerOf(fence, stranger);
    await writer.begin();
    await expect(writer.check('7')).rejects.toThrow(/`application` .* `strangler init --apply`/);
    await writer.rollback();
    await stranger.close();
    const none = writerOf(fenceOf(side, 'unknown'));
    await none.begin();
    await expect(none.check('7')).rejects.toThrow(/no fence for unknown: run `strangler init`/);
    await none.rollback();
  });

  test('asked after the transaction has ended, or for no user, it refuses instead of guessing', async () => {
    const writer = writerOf(fence);
    await writer.begin();
    await expect(writer.check(undefined as never)).rejects.toThrow(FenceSetupError);
    await writer.check('7');
    await writer.commit();
    await expect(writer.check('7')).rejects.toThrow(FenceSetupError);
  });
});
