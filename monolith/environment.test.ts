import { expect, test } from '@jest/globals';
import { readEnvironment } from './environment.ts';

const complete = {
  DATABASE_URL: 'mysql://root@127.0.0.1:3306/shop',
  JWT_SECRET: 'secret',
  INTERNAL_TOKEN: 'token',
};

test('the environment is read with defaults for host and port', () => {
  expect(readEnvironment(complete)).toEqual({
    port: 3000,
    host: '127.0.0.1',
    databaseUrl: complete.DATABASE_URL,
    jwtSecret: 'secret',
    internalToken: 'token',
    fence: false,
  });
});

test('everything missing or wrong is named at once', () => {
  expect(() => readEnvironment({ PORT: '70000' })).toThrow(
    /PORT must be[\s\S]*DATABASE_URL is not set: give[\s\S]*JWT_SECRET is not set: give[\s\S]*INTERNAL_TOKEN is not set: give/,
  );
  expect(() => readEnvironment({ ...complete, DATABASE_URL: 'postgres://127.0.0.1/shop' })).toThrow('mysql://');
});

test('the fence is off unless it is switched on, and takes no other word', () => {
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'on' }).fence).toBe(true);
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'off' }).fence).toBe(false);
  expect(() => readEnvironment({ ...complete, STRANGLER_FENCE: 'yes' })).toThrow('STRANGLER_FENCE must be on or off');
});
