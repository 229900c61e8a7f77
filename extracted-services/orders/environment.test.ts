import { expect, test } from '@jest/globals';
import { readEnvironment } from './environment.ts';

const complete = {
  DATABASE_URL: 'postgres://postgres@127.0.0.1:5432/orders',
  JWT_SECRET: 'secret',
  INTERNAL_TOKEN: 'token',
  MONOLITH_URL: 'http://127.0.0.1:3000',
};

test('the environment is read with defaults for host, port and patience', () => {
  expect(readEnvironment(complete)).toEqual({
    port: 3001,
    host: '127.0.0.1',
    databaseUrl: complete.DATABASE_URL,
    jwtSecret: 'secret',
    internalToken: 'token',
    monolithUrl: complete.MONOLITH_URL,
    recoverAfterMs: 60_000,
    fence: false,
  });
});

test('everything missing or wrong is named at once', () => {
  expect(() => readEnvironment({ PORT: 'x', RECOVER_AFTER_MS: '-1', MONOLITH_URL: 'ftp://x' })).toThrow(
    /PORT must[\s\S]*DATABASE_URL is not set: give[\s\S]*JWT_SECRET is[\s\S]*INTERNAL_TOKEN is[\s\S]*MONOLITH_URL is wrong[\s\S]*RECOVER_AFTER_MS must/,
  );
});

test('the fence is off unless it is switched on, and takes no other word', () => {
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'on' }).fence).toBe(true);
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'off' }).fence).toBe(false);
  expect(() => readEnvironment({ ...complete, STRANGLER_FENCE: 'yes' })).toThrow('STRANGLER_FENCE must be on or off');
});
