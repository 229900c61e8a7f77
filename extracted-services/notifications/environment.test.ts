import { expect, test } from '@jest/globals';
import { readEnvironment } from './environment.ts';

const complete = { DATABASE_URL: 'postgres://postgres@127.0.0.1:5432/notifications', JWT_SECRET: 'secret' };

test('without brokers no events are consumed', () => {
  expect(readEnvironment(complete)).toEqual({
    port: 3002,
    host: '127.0.0.1',
    databaseUrl: complete.DATABASE_URL,
    jwtSecret: 'secret',
    events: undefined,
    fence: false,
  });
});

test('brokers ask for a topic', () => {
  const withBrokers = { ...complete, KAFKA_BROKERS: 'one:9092,two:9092' };
  expect(() => readEnvironment(withBrokers)).toThrow(/OUTBOX_TOPIC is not set: give .* or unset KAFKA_BROKERS/);
  expect(readEnvironment({ ...withBrokers, OUTBOX_TOPIC: 'shop.outbox' }).events).toEqual({
    brokers: ['one:9092', 'two:9092'],
    topic: 'shop.outbox',
  });
});

test('everything missing is named at once', () => {
  expect(() => readEnvironment({ PORT: '-1' })).toThrow(
    /PORT must[\s\S]*DATABASE_URL is not set[\s\S]*JWT_SECRET is not set/,
  );
});

test('the fence is off unless it is switched on, and takes no other word', () => {
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'on' }).fence).toBe(true);
  expect(readEnvironment({ ...complete, STRANGLER_FENCE: 'off' }).fence).toBe(false);
  expect(() => readEnvironment({ ...complete, STRANGLER_FENCE: 'yes' })).toThrow('STRANGLER_FENCE must be on or off');
});
