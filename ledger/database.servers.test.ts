import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { Database, NoAnswerError, openSession, type Session } from './index.ts';
import { type BlackHole, startBlackHole } from './testing/black-hole.ts';

const TABLE = `database_${process.pid}`;
const STATEMENT = 600;

describe.each(['mysql', 'postgres'] as const)('a session on %s', (system) => {
  let way: BlackHole;
  let other: Session;
  let database: Database;
  const options = { statementTimeout: STATEMENT, name: 'the shop’s database' };

  beforeAll(async () => {
    const { host, port, user, password } = (await servers())[system];
    const login = `${system}://${user}:${password}@`;
    way = await startBlackHole(host, port);
    other = await openSession(`${login}${host}:${port}/${system}`, 'reader');
    urls = { direct: `${login}${host}:${port}/${system}`, cut: `${login}127.0.0.1:${way.port}/${system}` };
    await other.query(`CREATE TABLE ${TABLE} (id INT PRIMARY KEY)`);
  });

  let urls: { direct: string; cut: string };

  afterAll(async () => {
    await other.query(`DROP TABLE ${TABLE}`);
    await other.close();
    await way.stop();
  });

  beforeEach(async () => {
    way.open();
    await other.query(`DELETE FROM ${TABLE}`);
    database = new Database(urls.cut, 'reader', options);
  });

  afterEach(async () => {
    await database.close();
  });

  const idOf = (from: Database): Promise<number> => from.use(async ({ id }) => id);
  const kill = (id: number) =>
    other.query(system === 'mysql' ? `KILL CONNECTION ${id}` : `SELECT pg_terminate_backend(${id})`);
  const lives = async (id: number): Promise<boolean> => {
    const { rows } = await other.query(
      system === 'mysql'
        ? `SELECT 1 FROM information_schema.processlist WHERE id = ${id}`
        : `SELECT 1 FROM pg_stat_activity WHERE pid = ${id}`,
    );
    return rows.length > 0;
  };
  const insert = (id: number) => `INSERT INTO ${TABLE} VALUES (${id})`;

  test('faults 81: a statement to a database that has stopped answering ends in time and says so', async () => {
    const asked = database.use(async (session) => {
      way.swallow();
      return session.query('SELECT 1');
    });
    await expect(asked).rejects.toThrow(new NoAnswerError('the shop’s database', STATEMENT));
    await expect(asked).rejects.toThrow('no answer from the shop’s database within 600 ms');
    await expect(idOf(database)).rejects.toThrow('no answer from the shop’s database within 600 ms'); // connecting
    way.open();
    expect(await idOf(database)).toBeGreaterThan(0);
  });

  test('faults 81: so does a COMMIT, and closing waits for nobody', async () => {
    const asked = database.use((session) =>
      session.transaction(async () => {
        await session.query(insert(1));
        way.swallow();
      }),
    );
    await expect(asked).rejects.toThrow(NoAnswerError);
    way.open();
    const session = await openSession(urls.cut, 'reader');
    way.swallow();
    await session.close();
    expect(session.usable).toBe(false);
    await expect(session.query('SELECT 1')).rejects.toThrow(
      /the connection to the database \w+ at 127.0.0.1:\d+ is lost: closed/,
    );
  });

  test('without a time-out a session waits for as long as the server takes', async () => {
    const patient = new Database(urls.cut, 'reader');
    const wait = system === 'mysql' ? 'SELECT SLEEP(1.2) AS n' : 'SELECT 1 AS n, pg_sleep(1.2)';
    expect((await patient.use((session) => session.query(wait))).rows).toHaveLength(1);
    await patient.close();
  });

  test('a lock is named by the server, before the connection is given up', async () => {
    const slow = new Database(urls.cut, 'reader', { ...options, statementTimeout: 8_000 });
    await other.transaction(async () => {
      await other.query(insert(1));
      const asked = slow.use((session) => session.query(insert(1)));
      await expect(asked).rejects.toThrow(system === 'mysql' ? 'Lock wait timeout' : 'statement timeout');
    });
    const before = await idOf(slow);
    await expect(slow.use((session) => session.query(insert(1)))).rejects.toThrow(/duplicate/i);
    expect(await idOf(slow)).toBe(before); // an error of a statement harms no session
    await slow.close();
  });

  test('a session that was lost before a task began is replaced, and the task runs once', async () => {
    const before = await idOf(database);
    await sleep(150);
    await kill(before);
    let runs = 0;
    const after = await database.use(async (session) => {
      runs++;
      await session.transaction(() => session.query(insert(1)));
      return session.id;
    });
    expect(after).not.toBe(before);
    expect(runs).toBe(1);
  });

  test('a session that died without a word is replaced too', async () => {
    const before = await idOf(database);
    way.swallow();
    way.open(); // for new connections only, as after the way was lost for a while
    await sleep(150);
    expect(await idOf(database)).not.toBe(before);
  });

  test('a task that has begun is not repeated', async () => {
    let runs = 0;
    const asked = database.use(async (session) => {
      runs++;
      await session.query(insert(runs));
      await kill(session.id);
      await session.query(insert(10 + runs));
    });
    await expect(asked).rejects.toThrow();
    expect(runs).toBe(1);
    expect((await database.use((session) => session.query(`SELECT id FROM ${TABLE}`))).rows).toEqual([{ id: 1 }]);
  });

  test('faults 80: a process that is frozen in its transaction keeps no lock', async () => {
    const frozen = database.use((session) =>
      session.transaction(async () => {
        await session.query(insert(1));
        const until = Date.now() + 20_000;
        while ((await lives(session.id)) && Date.now() < until) await sleep(100);
      }),
    );
    await expect(frozen).rejects.toThrow();
    await other.query(insert(1)); // which nobody has
  });
});

test('a statement too large for MySQL is an error of its own and harms no session', async () => {
  const { host, port, user, password } = (await servers()).mysql;
  const session = await openSession(`mysql://${user}:${password}@${host}:${port}/mysql`, 'reader');
  const asked = session.query('SELECT LENGTH(?) AS n', ['x'.repeat(70 * 1024 * 1024)]);
  await expect(asked).rejects.toMatchObject({ errno: 1153, message: expect.stringContaining('max_allowed_packet') });
  expect((await session.query('SELECT LENGTH(?) AS n', ['é?'.repeat(1_000_000)])).rows).toEqual([{ n: 3_000_000 }]);
  await session.close();
});
