import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compareSuites, ruleSet } from '@strangler/compare';
import '@strangler/compare/jest';
import { servers } from '@strangler/servers';
import request from 'supertest';
import { CASES, RULES } from './cases.ts';
import { startTwoShops, type TwoShops } from './two-shops.ts';

let shops: TwoShops;

beforeAll(async () => {
  shops = await startTwoShops(await servers(), `regression_${process.pid}`);
});

afterAll(() => shops?.stop());

describe('monolith and services, asked the same', () => {
  test('answer alike in every case of the suite, and no rule stands there for nothing', async () => {
    const report = await compareSuites(shops.legacy, shops.extracted, CASES, { rules: RULES });
    expect(report.cases.filter(({ result }) => !result.kind.startsWith('equal'))).toEqual([]);
    expect(report.cases).toHaveLength(CASES.length);
    const unused = Object.entries(report.hits).filter(([, hits]) => hits === 0);
    // Tokens hold the second they were signed in: equal unless the clock ticks between the two sides.
    expect(unused.filter(([id]) => id !== 'shape-only $.token')).toEqual([]);
  });

  test('answer alike to supertest, by toMatchLegacy', async () => {
    const login = { email: 'grace@example.test', password: 'correct horse', name: 'Grace' };
    const rules = ruleSet(RULES);
    const ask = async (app: TwoShops['legacy']) => {
      const { body } = await request(app).post('/api/auth/register').send(login);
      return request(app)
        .post('/api/orders')
        .set('authorization', `Bearer ${body.token}`)
        .set('idempotency-key', 'k')
        .send({ items: [{ productId: 1, quantity: 1 }] });
    };
    const [legacy, extracted] = [await ask(shops.legacy), await ask(shops.extracted)];
    expect(extracted.status).toBe(201);
    expect(extracted).toMatchLegacy(legacy, rules);
  });

  test('are told apart when the service is off by a cent', () => {
    const legacy = { status: 201, headers: { 'content-type': 'application/json' }, body: { total: '11.77' } };
    expect(() => expect({ ...legacy, body: { total: '11.78' } }).toMatchLegacy(legacy)).toThrow('$.total');
  });
});
