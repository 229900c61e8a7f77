import { expect, test } from '@jest/globals';
import type { Servers } from '@strangler/servers';
import { conduitEnvironment } from './addresses.ts';
import { finalPlan, MOST_LINES, planLines } from './plans.ts';

const server = { host: '127.0.0.1', port: 1, user: 'root', password: 'secret' };
const env = conduitEnvironment({
  ...{ mysql: server, postgres: server, kafka: { brokers: ['127.0.0.1:2'] }, connect: { url: 'http://127.0.0.1:3' } },
} as unknown as Servers);

test('the stranger’s Plan is valid, and no longer than a stranger would write', () => {
  expect(Object.keys(finalPlan(env).plan.capabilities)).toEqual(['articles']);
  expect(planLines()).toBeLessThanOrEqual(MOST_LINES);
});
