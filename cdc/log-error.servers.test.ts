import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import { errorForLog } from '@strangler/plan';
import { servers } from '@strangler/servers';
import pino from 'pino';

let sessions: Record<'mysql' | 'postgres', Session>;

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  sessions = {
    mysql: await openSession(`mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/mysql`, 'reader'),
    postgres: await openSession(
      `postgres://${postgres.user}:${postgres.password}@${postgres.host}:${postgres.port}/${postgres.database}`,
      'reader',
    ),
  };
  for (const session of Object.values(sessions)) await session.query('DROP TABLE IF EXISTS strangler_log_error');
});
afterAll(async () => {
  for (const session of Object.values(sessions ?? {})) await session.close();
});

test.each(['mysql', 'postgres'] as const)(
  'no log holds the row that %s refuses, and each names the code',
  async (on) => {
    const session = sessions[on];
    await session.query('CREATE TABLE strangler_log_error (id INT PRIMARY KEY, note VARCHAR(20) NOT NULL)');
    try {
      const insert = 'INSERT INTO strangler_log_error (id, note) VALUES (?, ?)';
      const error = await session.query(insert, [4711, null]).catch((refused: unknown) => refused);
      const row = await session.query(insert, ['seven', 'a private note']).catch((refused: unknown) => refused);
      const lines: string[] = [];
      const log = pino({ serializers: { err: errorForLog } }, { write: (line: string) => void lines.push(line) });
      log.error({ err: error }, 'refused');
      log.child({ of: 'a child' }).error({ err: row }, 'refused');
      expect(lines.join('')).not.toMatch(/4711|private note|INSERT/);
      const codes = on === 'mysql' ? ['ER_BAD_NULL_ERROR', 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD'] : ['23502', '22P02'];
      expect(lines.map((line) => JSON.parse(line).err.code)).toEqual(codes);
      expect(lines.map((line) => JSON.parse(line).err.stack)).toEqual(
        Array(2).fill(expect.stringContaining('    at ')),
      );
    } finally {
      await session.query('DROP TABLE strangler_log_error');
    }
  },
);
