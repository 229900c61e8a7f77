import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Cause } from '@strangler/plan';
import { servers } from '@strangler/servers';
import {
  acquireLease,
  addToCauses,
  barrierArrived,
  blockedUsers,
  claimCheckpoint,
  countQuarantine,
  createOrigins,
  createTables,
  Database,
  dropOrigins,
  dropTables,
  expectEntries,
  forgetProxy,
  hasHandoff,
  highestEpoch,
  isTerm,
  keptImages,
  lastSurvey,
  lastTick,
  lastVerify,
  moveCheckpoint,
  openSession,
  pruneQuarantine,
  type QuarantineEntry,
  type QuarantineStatus,
  quarantine,
  readApplier,
  readBackfill,
  readCauses,
  readCheckpoint,
  readOwnership,
  readProxies,
  readQuarantine,
  readRecords,
  readStates,
  refusedAggregates,
  registerProxy,
  releaseLease,
  renewLease,
  reportApplier,
  type Session,
  settleQuarantine,
  TickLostError,
  tablesOf,
  tick,
  unexpectedOf,
  writeBackfill,
  writeHandoff,
  writeOwnership,
  writeRecord,
  writersOf,
  writeState,
  writeSurvey,
  writeVerify,
} from './index.ts';

const NAME = `ledger_${process.pid}`;
const sessions: Partial<Record<'mysql' | 'postgres', Session>> = {};
const urls: Record<'mysql' | 'postgres', string> = { mysql: '', postgres: '' };

async function asRoot(system: 'mysql' | 'postgres', work: (session: Session) => Promise<unknown>): Promise<void> {
  const login = (await servers())[system];
  const url = (database: string) =>
    `${system}://${login.user}:${login.password}@${login.host}:${login.port}/${database}`;
  urls[system] = url(NAME);
  const session = await openSession(url(system === 'mysql' ? 'mysql' : 'postgres'), 'reader');
  try {
    await work(session);
  } finally {
    await session.close();
  }
}

beforeAll(async () => {
  await asRoot('mysql', (root) => root.query(`CREATE DATABASE ${NAME}`));
  await asRoot('postgres', async (root) => {
    await root.query(`CREATE DATABASE ${NAME}`);
    await createOrigins(root, NAME, writersOf('orders'));
    await createOrigins(root, NAME, writersOf('orders'));
  });
  sessions.mysql = await openSession(urls.mysql, 'control');
  sessions.postgres = await openSession(urls.postgres, 'control');
});

afterAll(async () => {
  await sessions.mysql?.close();
  await sessions.postgres?.close();
  await asRoot('mysql', (root) => root.query(`DROP DATABASE ${NAME}`));
  await asRoot('postgres', async (root) => {
    await root.query(`DROP DATABASE ${NAME} WITH (FORCE)`);
    await dropOrigins(root, NAME, writersOf('orders'));
  });
});

describe.each(['mysql', 'postgres'] as const)('the ledger in %s', (system) => {
  const session = () => sessions[system]!;

  test('creates its tables, twice without harm', async () => {
    await createTables(session());
    await createTables(session());
    for (const table of tablesOf(system)) await session().query(`SELECT * FROM ${table}`);
    const first = await tick(session());
    expect(await tick(session())).toBe(first + 1);
  });

  test('a tick whose row is lost is an error that names its side, not 0, and is put back above every tick there was', async () => {
    const last = await tick(session());
    await session().query('DELETE FROM strangler_tick');
    for (const ask of [lastTick, tick]) {
      const asked = ask(session());
      await expect(asked).rejects.toThrow(TickLostError);
      await expect(asked).rejects.toThrow(`the ${system === 'mysql' ? 'monolith' : 'service'}’s database`);
      await expect(asked).rejects.toThrow('strangler init');
    }
    await createTables(session());
    const back = await lastTick(session());
    expect(back).toBeGreaterThan(last);
    await createTables(session());
    expect(await lastTick(session())).toBe(back);
  });

  test('faults 59: a checkpoint that another applier has claimed cannot be claimed again', async () => {
    expect(await readCheckpoint(session(), 'orders:forward')).toEqual({
      version: 0,
      position: null,
      kafkaOffset: 0,
      tick: 0,
    });
    expect(await claimCheckpoint(session(), 'orders:forward', 0)).toBe(true);
    expect(await claimCheckpoint(session(), 'orders:forward', 0)).toBe(false);
    await moveCheckpoint(session(), 'orders:forward', { position: 'binlog.000001:4', kafkaOffset: 12, tick: 3 });
    expect(await readCheckpoint(session(), 'orders:forward')).toEqual({
      version: 1,
      position: 'binlog.000001:4',
      kafkaOffset: 12,
      tick: 3,
    });
  });

  test('faults 54: a handoff row written again after a crash stays one row', async () => {
    const row = {
      capability: 'orders',
      epoch: 7,
      kind: 'barrier',
      subject: { lo: 0, hi: 100 },
      forced: false,
    } as const;
    await writeHandoff(session(), row);
    await writeHandoff(session(), row);
    expect(await hasHandoff(session(), 'orders', 7, 'barrier')).toBe(true);
    expect(await hasHandoff(session(), 'orders', 7, 'grant')).toBe(false);
    expect(await highestEpoch(session(), 'orders')).toBe(7);
    expect(await highestEpoch(session(), 'notifications')).toBe(0);
  });

  test('a barrier leaves the session’s own limit for locks as it was', async () => {
    const mysql = session().dialect === 'mysql';
    const limit = mysql ? 'innodb_lock_wait_timeout' : 'lock_timeout';
    await session().transaction(async () => {
      await session().query(`SET SESSION ${limit} = ${mysql ? 7 : "'700ms'"}`);
      const about = { capability: 'orders', kind: 'barrier', subject: { lo: 0, hi: 100 }, forced: false } as const;
      await writeHandoff(session(), { ...about, epoch: 8 });
      const { rows } = await session().query(mysql ? `SHOW VARIABLES LIKE '${limit}'` : `SHOW ${limit}`);
      expect(Object.values(rows[0]!).at(-1)).toBe(mysql ? '7' : '700ms');
      await session().query(`SET SESSION ${limit} = ${mysql ? 50 : 0}`);
      await session().query('DELETE FROM strangler_handoff WHERE epoch = 8');
    });
  });

  test('keeps an ownership history of ranges and pinned users, one row per epoch', async () => {
    expect(await barrierArrived(session(), 'orders:forward', 1)).toBe(false);
    await writeOwnership(session(), 'orders:forward', {
      epoch: 1,
      subject: { lo: 0, hi: 100 },
      owns: false,
      undecided: true,
      unproven: false,
    });
    await writeOwnership(session(), 'orders:forward', {
      epoch: 1,
      subject: { lo: 0, hi: 100 },
      owns: true,
      undecided: false,
      unproven: false,
    });
    await writeOwnership(session(), 'orders:forward', {
      epoch: 2,
      subject: { lo: 0, hi: 0, user: '7' },
      owns: false,
      undecided: false,
      unproven: false,
    });
    const named = { epoch: 3, subject: { lo: 5, hi: 6, user: '8' }, owns: false, undecided: true, unproven: false };
    await writeOwnership(session(), 'orders:forward', named);
    const cancelled = { ...named, subject: { lo: 0, hi: 0 }, owns: true, undecided: false };
    await writeOwnership(session(), 'orders:forward', cancelled);
    expect(await barrierArrived(session(), 'orders:forward', 1)).toBe(true);
    expect(await readOwnership(session(), 'orders:forward')).toEqual([
      { epoch: 1, subject: { lo: 0, hi: 100 }, owns: true, undecided: false, unproven: false },
      { epoch: 2, subject: { lo: 0, hi: 0, user: '7' }, owns: false, undecided: false, unproven: false },
      cancelled, // it is about nobody any more
    ]);
    expect(await barrierArrived(session(), 'orders:forward', 3)).toBe(true);
  });

  test('counts quarantine by status and knows whose rows wait behind one that cannot be applied', async () => {
    const entry = {
      stream: 'orders:forward',
      status: 'open',
      cause: 'inapplicable',
      table: 'orders',
      key: '1',
      aggregate: 'orders 1',
      user: '7',
      before: null,
      after: '{"id":1}',
      owner: null,
      position: 'x',
      transaction: 'uuid:7',
      epoch: 3,
      detail: 'too long',
      resolution: null,
      operation: null,
    } as const;
    await quarantine(session(), [
      entry,
      { ...entry, status: 'superseded', cause: 'retried-purchase', user: '8', key: '2' },
    ]);
    expect(await countQuarantine(session(), 'orders:forward')).toEqual({ open: 1, settled: 1 });
    expect(await blockedUsers(session(), 'orders:forward')).toEqual(['7']);
    expect(await keptImages(session(), 'orders', ['1', '3'])).toEqual(['{"id":1}']);
    const [kept, ...more] = await readQuarantine(session(), { stream: 'orders:forward', status: 'open' });
    expect(kept).toMatchObject({ ...entry, settledAt: null, keptAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
    expect(more).toEqual([]);
    expect(await settleQuarantine(session(), [kept!.id], 'resolved', 'by ada: the row fits now')).toBe(1);
    expect(await settleQuarantine(session(), [kept!.id], 'resolved', 'by bob')).toBe(0);
    expect(await blockedUsers(session(), 'orders:forward')).toEqual([]);
    const settled = await readQuarantine(session(), { stream: 'orders:forward', user: '7' });
    expect(settled).toMatchObject([{ status: 'resolved', resolution: 'by ada: the row fits now' }]);
  });

  test('finds what is kept around users: theirs, and others’ in the same aggregates', async () => {
    const stream = 'around:forward';
    const entry = (user: string | null, aggregate: string, status: 'open' | 'resolved' = 'open'): QuarantineEntry => ({
      ...{ stream, status, cause: 'inapplicable', table: 'orders', key: aggregate, aggregate, user, before: null },
      ...{ after: '{}', owner: null, position: 'x', transaction: null, epoch: null, detail: null },
      ...{ resolution: null, operation: null },
    });
    await quarantine(session(), [
      ...[entry('ada', 'orders 1'), entry('bob', 'orders 1'), entry('bob', 'orders 2'), entry(null, 'orders 1')],
      ...[entry('cyd', 'orders 2'), entry('ADA', 'orders 3'), entry('dee', 'orders 1', 'resolved')],
    ]);
    const around = async (...users: string[]) => {
      const found = await readQuarantine(session(), { stream, status: 'open', around: users, lock: true });
      return found.map(({ user, aggregate }) => `${user} ${aggregate}`);
    };
    expect(await around('ada')).toEqual(['ada orders 1', 'bob orders 1', 'null orders 1']);
    expect(await around('cyd')).toEqual(['bob orders 2', 'cyd orders 2']);
    expect(await around('dee')).toEqual([]);
    expect(await around('ada', 'bob')).toEqual([
      ...['ada orders 1', 'bob orders 1', 'bob orders 2', 'null orders 1', 'cyd orders 2'],
    ]);
  });

  test('counts what it keeps by cause, until somebody calls it expected or decides it, and forgets what is old (faults 85)', async () => {
    const stream = 'causes:forward';
    const entry = (cause: Cause, key: string, status: QuarantineStatus = 'kept') => ({
      ...{ stream, status, cause, table: 'orders', key, aggregate: `orders ${key}`, user: '7', before: null },
      ...{ after: '{"id":1}', owner: null, position: 'x', transaction: null, epoch: null, detail: null },
      ...{ resolution: null, operation: null },
    });
    const counts = async () => {
      const rows = await readCauses(session(), stream);
      return Object.fromEntries(rows.map((row) => [row.cause, [row.kept, unexpectedOf(row), row.sample?.row]]));
    };
    await quarantine(session(), [
      ...[entry('overwritten', '1'), entry('overwritten', '2'), entry('retried-purchase', '3', 'superseded')],
      ...[entry('rogue-write', '4', 'open'), entry('rogue-write', '5', 'open'), entry('recopied', '6')],
    ]);
    await addToCauses(session(), [{ stream, cause: 'born', rows: 3 }]);
    expect(await counts()).toEqual({
      overwritten: [2, 2, 'orders 2'],
      'retried-purchase': [1, 0, undefined],
      'rogue-write': [2, 0, undefined],
      recopied: [1, 0, undefined],
      born: [3, 0, undefined],
    });
    expect(await countQuarantine(session(), stream)).toEqual({ open: 2, settled: 4 });

    const open = await readQuarantine(session(), { stream, status: 'open' });
    await settleQuarantine(session(), [open[0]!.id], 'resolved', 'by ada');
    await settleQuarantine(session(), [open[1]!.id], 'superseded', 'the owner has made it so meanwhile');
    expect((await counts())['rogue-write']).toEqual([2, 1, 'orders 5']);
    const [first] = await readQuarantine(session(), { stream, causes: ['overwritten'] });
    expect(await expectEntries(session(), { stream, ids: [first!.id] })).toBe(1);
    expect(await expectEntries(session(), { stream, ids: [first!.id] })).toBe(0);
    expect((await counts()).overwritten).toEqual([2, 1, 'orders 2']);

    expect(await pruneQuarantine(session(), stream, 60_000)).toBe(0);
    expect(await pruneQuarantine(session(), stream, 0)).toBe(4); // all but the two that nobody has looked at
    expect((await readQuarantine(session(), { stream })).map(({ key }) => key)).toEqual(['2', '5']);
    expect(await expectEntries(session(), { stream, cause: 'overwritten' })).toBe(1);
    expect(await expectEntries(session(), { stream })).toBe(1);
    expect(await counts()).toMatchObject({ overwritten: [2, 0, undefined], 'rogue-write': [2, 0, undefined] });
    expect(await countQuarantine(session(), stream)).toEqual({ open: 0, settled: 6 });
  });

  test('a quarantine of an earlier version keeps what it holds, and what was settled there is a reason for nothing', async () => {
    const { dialect } = session();
    const text = dialect === 'mysql' ? 'LONGTEXT' : 'TEXT';
    const make = async () => {
      await session().query('DROP TABLE strangler_quarantine');
      await session().query(
        `CREATE TABLE strangler_quarantine (id INT PRIMARY KEY, stream VARCHAR(100) NOT NULL, status VARCHAR(10) NOT NULL,
           reason VARCHAR(40) NOT NULL, table_name VARCHAR(190) NOT NULL, row_key ${text} NOT NULL, aggregate ${text} NOT NULL,
           user_id VARCHAR(190), before_image ${text}, after_image ${text}, owner_image ${text}, position ${text} NOT NULL,
           source_transaction ${text}, epoch BIGINT, detail ${text}, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
           settled_at TIMESTAMP NULL, resolution ${text})`,
      );
      for (const [id, status, reason] of [
        [1, 'superseded', 'superseded'],
        [2, 'resolved', 'rogue-write'],
        [3, 'open', 'late-write'],
      ] as const) {
        await session().query(
          `INSERT INTO strangler_quarantine (id, stream, status, reason, table_name, row_key, aggregate, position)
           VALUES (?, 'old:forward', ?, ?, 'orders', '1', 'orders 1', 'x')`,
          [id, status, reason],
        );
      }
    };
    await make();
    await createTables(session());
    await createTables(session());
    const kept = await readQuarantine(session(), { stream: 'old:forward' });
    expect(kept.map(({ cause, status }) => [cause, status])).toEqual([
      ['late-superseded', 'superseded'],
      ['rogue-write', 'resolved'],
      ['late-write', 'open'],
    ]);
    const causes = await readCauses(session(), 'old:forward');
    expect(causes.map((row) => [row.cause, row.kept, unexpectedOf(row)]).sort()).toEqual([
      ['late-superseded', 1, 0],
      ['late-write', 1, 0],
      ['rogue-write', 1, 0],
    ]);
    await session().query('DROP TABLE strangler_quarantine');
    await createTables(session());
  });

  test('users, rows and aggregates are told apart by their bytes, whatever the collation of the database says (faults 87)', async () => {
    const names = ['ada', 'Ada', 'ada ', 'àda'];
    const entries = names.map((name) => ({
      ...({ stream: 'names:forward', status: 'open', cause: 'inapplicable', table: 'names' } as const),
      ...{ key: name, aggregate: `names ${name}`, user: name, before: null, after: JSON.stringify({ name }) },
      ...{
        owner: null,
        position: 'x',
        transaction: null,
        epoch: null,
        detail: null,
        resolution: null,
        operation: null,
      },
    }));
    await quarantine(session(), entries);
    expect((await blockedUsers(session(), 'names:forward')).sort()).toEqual([...names].sort());
    expect(await keptImages(session(), 'names', ['Ada'])).toEqual(['{"name":"Ada"}']);
    expect((await keptImages(session(), 'names', names)).sort()).toEqual(entries.map(({ after }) => after).sort());
    expect(await keptImages(session(), 'Names', names)).toEqual([]);
    const late = { status: 'open', cause: 'late-write', detail: 'too large' } as const;
    await quarantine(
      session(),
      entries.slice(0, 3).map((entry) => ({ ...entry, ...late, stream: 'late:forward' })),
    );
    expect((await refusedAggregates(session(), ['names ada', 'names Ada'])).sort()).toEqual(['names Ada', 'names ada']);
    const stream = 'names:forward';
    expect((await readQuarantine(session(), { stream, user: 'ada' })).map(({ key }) => key)).toEqual(['ada']);
    expect((await readQuarantine(session(), { stream, aggregate: 'names Ada' })).map(({ key }) => key)).toEqual([
      'Ada',
    ]);
  });

  test('keeps a row with a NUL in its key, which Postgres takes in no text', async () => {
    const stream = 'orders:reverse';
    const row = { status: 'open', cause: 'inapplicable', table: 'tags', aggregate: 'tags a\0b', key: 'a\0b' } as const;
    const nothing = {
      before: null,
      owner: null,
      transaction: null,
      epoch: null,
      detail: null,
      resolution: null,
      operation: null,
    };
    await quarantine(session(), [
      { stream, position: 'p', user: '9', after: '{"id":"a\\u0000b"}', ...row, ...nothing },
    ]);
    const [kept] = await readQuarantine(session(), { stream });
    expect(kept).toMatchObject({ key: 'a␀b', aggregate: 'tags a␀b', after: '{"id":"a\\u0000b"}' });
  });

  test('says how an applier does and how long ago it said so', async () => {
    expect(await readApplier(session(), 'orders:forward')).toBeUndefined();
    await reportApplier(session(), 'orders:forward', {
      sessionId: session().id,
      state: 'running',
      reason: null,
      lag: 12.4,
    });
    const row = await readApplier(session(), 'orders:forward');
    expect(row).toMatchObject({ state: 'running', lag: 12, sessionId: session().id });
    expect(row!.age).toBeGreaterThanOrEqual(0);
    await reportApplier(session(), 'orders:forward', { sessionId: 1, state: 'stopped', reason: 'a gap', lag: null });
    expect(await readApplier(session(), 'orders:forward')).toMatchObject({
      state: 'stopped',
      reason: 'a gap',
      lag: null,
    });
  });

  test('rolls a transaction back when its work fails, and hands the next session out after an error', async () => {
    const database = new Database(urls[system], 'reader');
    const failing = database.use((one) =>
      one.transaction(async () => {
        await one.query("INSERT INTO strangler_signal (id, type) VALUES ('s', 't')");
        throw new Error('no');
      }),
    );
    await expect(failing).rejects.toThrow('no');
    const { rows } = await database.use((one) => one.query('SELECT * FROM strangler_signal'));
    expect(rows).toEqual([]);
    await database.close();
    await database.close();
    await expect(database.use(async () => 1)).rejects.toThrow('closed');
  });
});

describe('signs', () => {
  test('a transaction of ours carries the tag on MySQL', async () => {
    await sessions.mysql!.query('UPDATE strangler_tick SET n = n + 1');
    const { rows } = await sessions.mysql!.query<{ all_gtids: string }>('SELECT @@global.gtid_executed AS all_gtids');
    expect(rows[0]!.all_gtids).toContain(':strangler:');
  });

  test('a second session of the same writer is refused by Postgres', async () => {
    await expect(openSession(urls.postgres, 'control')).rejects.toThrow('already active');
  });
});

describe('what control keeps in MySQL', () => {
  test('faults 53: of two who change a state from the same version one wins', async () => {
    const state = { capability: 'orders', version: 1, epoch: 0, boundary: 0, body: '{}' };
    expect(await writeState(sessions.mysql!, state)).toBe(true);
    expect(await writeState(sessions.mysql!, state)).toBe(false);
    expect(await writeState(sessions.mysql!, { ...state, version: 2, boundary: 100 })).toBe(true);
    expect(await writeState(sessions.mysql!, { ...state, version: 2, boundary: 0 })).toBe(false);
    expect(await readStates(sessions.mysql!)).toEqual([{ ...state, version: 2, boundary: 100 }]);
  });

  test('keeps decision records in order, with their inputs', async () => {
    const record = {
      capability: 'orders',
      event: 'handoff',
      actor: 'cli',
      reason: 'because',
      inputs: { pauseMs: 12.5 },
    };
    await writeRecord(sessions.mysql!, record);
    await writeRecord(sessions.mysql!, { ...record, capability: 'notifications' });
    const all = await readRecords(sessions.mysql!, {});
    expect(all).toHaveLength(2);
    expect(all[0]).toMatchObject(record);
    expect(Date.parse(all[0]!.at)).not.toBeNaN();
    expect(await readRecords(sessions.mysql!, { capability: 'orders' })).toHaveLength(1);
    expect(await readRecords(sessions.mysql!, { after: all[1]!.id })).toEqual([]);
  });

  test('one holder has the lease until it is dropped or has run out', async () => {
    const session = sessions.mysql!;
    const acquire = (holder: string, ttl = 60_000) => acquireLease(session, 'control', holder, ttl);
    const first = (await acquire('a'))!;
    expect(await acquire('b')).toBeUndefined();
    expect(await renewLease(session, 'control', first, 60_000)).toBe(true);
    await releaseLease(session, 'control', first);
    const second = (await acquire('b', -1))!;
    expect(second).toBeGreaterThan(first);
    expect(await acquire('a')).toBeGreaterThan(second);
    for (const over of [first, second]) {
      expect(await renewLease(session, 'control', over, 60_000)).toBe(false);
      expect(await session.transaction(() => isTerm(session, 'control', over))).toBe(false);
    }
  });

  test('terms are at least the clock in seconds: they grow past what a restored backup has forgotten', async () => {
    const session = sessions.mysql!;
    await session.query("UPDATE strangler_lease SET term = 7 WHERE name = 'control'");
    expect(await acquireLease(session, 'control', 'a', 60_000)).toBeGreaterThan(Date.now() / 1_000 - 60);
  });

  test('the names of proxies are kept, each once, until they are forgotten', async () => {
    const session = sessions.mysql!;
    for (const name of ['p2', 'p1', 'P1', 'p2']) await registerProxy(session, name);
    await forgetProxy(session, 'p2');
    await forgetProxy(session, 'p9');
    expect(await readProxies(session)).toEqual(['P1', 'p1']);
  });

  test('names that differ in a space at the end, or in case, are two; also in tables of an earlier version', async () => {
    const session = sessions.mysql!;
    await session.query('DELETE FROM strangler_proxy');
    await session.query('ALTER TABLE strangler_proxy MODIFY name VARCHAR(200) COLLATE utf8mb4_bin');
    await session.query('ALTER TABLE strangler_backfill MODIFY table_name VARCHAR(120) COLLATE utf8mb4_0900_ai_ci');
    await registerProxy(session, 'p');
    await createTables(session);
    for (const name of ['p ', 'p', 'P']) await registerProxy(session, name);
    expect(await readProxies(session)).toEqual(['P', 'p', 'p ']);
    await forgetProxy(session, 'p');
    expect(await readProxies(session)).toEqual(['P', 'p ']);
    for (const table of ['Rows', 'rows', 'rows ']) {
      await writeBackfill(session, 'names', { table, done: 1, total: 1, finished: true });
    }
    expect((await readBackfill(session, 'names')).map(({ table }) => table)).toEqual(['Rows', 'rows', 'rows ']);
  });

  test('keeps the backfill and the newest verify', async () => {
    const status = { table: 'orders', done: 5, total: 10, finished: false };
    await writeBackfill(sessions.mysql!, 'orders', status);
    await writeBackfill(sessions.mysql!, 'orders', { ...status, done: 10, finished: true });
    expect(await readBackfill(sessions.mysql!, 'orders')).toEqual([{ ...status, done: 10, finished: true }]);
    expect(await lastVerify(sessions.mysql!, 'orders')).toBeUndefined();
    await writeVerify(sessions.mysql!, {
      capability: 'orders',
      begun: '2026-01-01T00:00:00.000Z',
      compared: 10,
      mismatches: 1,
      detail: '[]',
    });
    expect(await lastVerify(sessions.mysql!, 'orders')).toMatchObject({
      compared: 10,
      mismatches: 1,
      begun: '2026-01-01T00:00:00.000Z',
    });
  });

  test('keeps the last survey of a capability', async () => {
    expect(await lastSurvey(sessions.mysql!, 'orders')).toBeUndefined();
    const row = { capability: 'orders', begun: '2026-01-01T00:00:00.000Z', changes: 9, unexplained: 1 };
    const finding = { table: 'orders', op: 'update', columns: ['total'], cause: 'nobody', count: 1 } as const;
    const asked = { routes: '1', readOnly: '2', user: '3', userType: '4', tables: '5' };
    const detail = { tables: { orders: 9 }, findings: [finding], unknown: 2, asked };
    await writeSurvey(sessions.mysql!, { ...row, changes: 3, detail });
    await writeSurvey(sessions.mysql!, { ...row, detail });
    expect(await lastSurvey(sessions.mysql!, 'orders')).toEqual({ ...row, detail, at: expect.any(String) });
  });

  test('drops every table again', async () => {
    for (const session of [sessions.mysql!, sessions.postgres!]) {
      await dropTables(session);
      await dropTables(session);
      await expect(session.query('SELECT 1 FROM strangler_tick')).rejects.toThrow();
    }
  });
});
