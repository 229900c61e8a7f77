import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import { type Plan, parsePlan } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { checkPrivileges } from '../doctor/privileges.ts';
import { grantsOf, type UserGrants } from './grants.ts';

const NAME = `grants_${process.pid}`;
const READER = `reader_${process.pid}`;
let admins: { readonly monolith: Session; readonly articles: Session };
let roots: Session[];
let plan: Plan;

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  const at = (scheme: string, { host, port }: typeof mysql, database: string, user: string, password: string) =>
    `${scheme}://${user}:${password}@${host}:${port}/${database}`;
  const own = (scheme: string, login: typeof mysql, database: string) =>
    at(scheme, login, database, login.user, login.password);
  const root = await openSession(own('mysql', mysql, 'mysql'), 'reader');
  const postmaster = await openSession(own('postgres', postgres, postgres.database), 'reader');
  roots = [root, postmaster];
  for (const one of roots) await one.query(`CREATE DATABASE ${NAME}`);
  const addresses = (scheme: string, login: typeof mysql) => {
    const admin = own(scheme, login, NAME);
    const roles = { admin, control: admin, applier: admin, capture: admin };
    return { ...roles, lookup: at(scheme, login, NAME, READER, 'their password') };
  };
  const [monolith, service] = [addresses('mysql', mysql), addresses('postgres', postgres)];
  admins = {
    monolith: await openSession(monolith.admin, 'reader'),
    articles: await openSession(service.admin, 'reader'),
  };
  for (const table of ['Users', 'Articles', 'Orders'])
    await admins.monolith.query(`CREATE TABLE ${table} (id INT PRIMARY KEY)`);
  for (const table of ['"Articles"', '"Orders"'])
    await admins.articles.query(`CREATE TABLE ${table} (id int4 PRIMARY KEY)`);
  plan = parsePlan(
    JSON.stringify({
      ...{ version: 1, name: 'blog' },
      monolith: { url: 'http://127.0.0.1:3000', database: monolith },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
      capabilities: {
        articles: {
          service: { url: 'http://127.0.0.1:3001', database: service },
          routes: ['ANY /articles/:slug'],
          user: [
            { jwt: { claim: 'email', verify: 'none' }, lookup: { table: 'Users', match: 'email', take: 'id' } },
            { row: 'Articles', by: 'slug', from: 'slug' },
          ],
          anonymous: 'monolith',
          tables: { Articles: { user: 'authorId' }, Orders: { user: 'userId' } },
        },
      },
    }),
    {},
  );
});
afterAll(async () => {
  await Promise.all([admins.monolith.close(), admins.articles.close()]);
  await roots[0]!.query(`DROP DATABASE ${NAME}`);
  await roots[0]!.query(`DROP USER IF EXISTS ${READER}`);
  await roots[1]!.query(`DROP DATABASE ${NAME} WITH (FORCE)`);
  await roots[1]!.query(`DROP ROLE IF EXISTS ${READER}`);
  for (const root of roots) await root.close();
});

const readers = (): UserGrants[] => grantsOf(plan).filter(({ role }) => role === 'lookup');
const findings = async (): Promise<string[]> => {
  const all: string[] = [];
  await checkPrivileges(plan, ({ what }) => void all.push(what));
  return all;
};

test('who looks users up may read the tables in which they are, on each side, and nothing else; doctor misses what is missing', async () => {
  expect(readers().map(({ where }) => where)).toEqual(['monolith', 'articles']);
  for (const { where, create } of readers()) await admins[where as keyof typeof admins].query(create!);
  expect(await findings()).toEqual([
    expect.stringMatching(`lookup user ${READER}: (no SELECT on .*Users.*no SELECT on .*Articles|cannot log in)`),
    expect.stringMatching(`lookup user ${READER}: no SELECT on public."Articles"`),
  ]);
  for (const { where, grants } of readers())
    for (const grant of grants) await admins[where as keyof typeof admins].query(grant);
  expect(await findings()).toEqual([]);
  for (const [url, may, mayNot] of [
    [plan.monolith.database!.lookup!, ['Users', 'Articles'], 'Orders'],
    [plan.capabilities.articles!.service.database!.lookup!, ['"Articles"'], '"Orders"'],
  ] as const) {
    const reader = await openSession(url, 'reader');
    for (const table of may) expect((await reader.query(`SELECT * FROM ${table}`)).rows).toEqual([]);
    await expect(reader.query(`SELECT * FROM ${mayNot}`)).rejects.toThrow(/denied/);
    await expect(reader.query(`DELETE FROM ${may[0]}`)).rejects.toThrow(/denied/);
    await reader.close();
  }
});

test('a Plan that looks nobody up needs no such user', () => {
  const { articles } = plan.capabilities;
  const without = { ...plan, capabilities: { articles: { ...articles!, user: [{ header: 'x-user' }] } } };
  expect(grantsOf(without).filter(({ role }) => role === 'lookup')).toEqual([]);
});
