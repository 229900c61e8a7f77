import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { errorForLog } from './log-error.ts';

const driverError = (message: string, more: object) => Object.assign(new Error(message), more);

test('an error in a log has its codes and its stack, and nothing of the row', () => {
  const error = driverError("Duplicate entry 'ada' for key 'orders.same'", {
    ...{ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' },
    ...{ sql: "INSERT INTO orders VALUES ('secret')", parameters: ['secret'], values: ['secret'] },
    ...{ detail: 'Key (note)=(secret)', where: 'COPY orders: secret', hint: 'secret', internalQuery: 'secret' },
  });
  const told = errorForLog(error) as Record<string, unknown>;
  expect(told).toMatchObject({
    type: 'Error',
    message: error.message,
    code: 'ER_DUP_ENTRY',
    errno: 1062,
    sqlState: '23000',
  });
  expect(told.stack).toMatch(/^ {4}at .*log-error\.test\.ts/);
  expect(JSON.stringify(told)).not.toContain('secret');
});

test('a long message is cut, in the stack and in causes too; what is no error shows nothing of itself', () => {
  const long = `no: ${'v'.repeat(1_000)}secret`;
  const cause = driverError(long, { detail: 'secret' });
  const told = errorForLog(new AggregateError([cause, { detail: 'secret' }], long, { cause }));
  expect(JSON.stringify(told)).not.toContain('secret');
  expect(told).toMatchObject({
    type: 'AggregateError',
    message: expect.stringMatching(/^no: v{496}…$/),
    cause: { type: 'Error', message: expect.stringMatching(/…$/) },
    errors: [{ type: 'Error' }, 'no error: object'],
  });
  const round = new Error('round');
  round.cause = round;
  expect(JSON.stringify(errorForLog(round)).match(/round/g)!.length).toBeLessThan(20);
});

test('every process of the toolkit writes its errors so', () => {
  const root = new URL('../', import.meta.url);
  const loggers = ['cdc', 'control', 'strangler-proxy', 'flags', 'ledger', 'compare', 'cli'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.ts$/.test(file) && !/\.test\.ts$|testing\/|node_modules/.test(file))
      .flatMap((file) => {
        const text = readFileSync(new URL(`${folder}/${file}`, root), 'utf8');
        return [...text.matchAll(/\bpino\((.*)\)/g)].map(([, options]) => ({ file: `${folder}/${file}`, options }));
      }),
  );
  expect(loggers.map(({ file }) => file).sort()).toEqual([
    'cdc/main.ts',
    'cdc/survey/survey.ts',
    'control/main.ts',
    'strangler-proxy/proxy.ts',
  ]);
  for (const { options } of loggers) expect(options).toContain('serializers: { err: errorForLog }');
});
