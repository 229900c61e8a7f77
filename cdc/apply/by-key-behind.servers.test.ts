import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { pino } from 'pino';
import { type Cdc, startCdc } from '../cdc.ts';
import { resolve } from '../quarantine/resolve.ts';
import { startAgain, TAGGED, taggedOn } from '../testing/tagged.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';

const [ONE, ANOTHER] = [8, 9];

let world: World;
let cdc: Cdc;
let on: ReturnType<typeof taggedOn>;

const open = async () => (await on.kept('service')).filter(({ status }) => status === 'open');

beforeAll(async () => {
  world = await makeWorld(await servers(), TAGGED);
  on = taggedOn(world);
  for (const name of ['hill', 'moor', 'dune', 'fen', 'lake']) await on.tag('monolith', name);
  await on.article('monolith', 1, ONE);
  await on.article('monolith', 2, ANOTHER);
  for (const name of ['hill', 'moor', 'dune', 'fen']) await on.put('monolith', 1, name);
  cdc = world.start();
  await untilRunning(cdc);
});
afterAll(() => world?.destroy());

test('in one transaction what refers to a tag goes, and the tag gets another name: each means what it was then', async () => {
  await on.bothHave(1, 'dune', 'fen', 'hill', 'moor');
  await world.monolith.transaction(async () => {
    await on.take('monolith', 1, 'hill');
    await on.query('monolith', 'UPDATE "Tags" SET name = ? WHERE name = ?', ['mountain', 'hill']);
    await on.put('monolith', 2, 'mountain');
  });
  await on.bothHave(1, 'dune', 'fen', 'moor');
  await on.bothHave(2, 'mountain');
  await on.bothEqual();
  expect(await on.keptAtAll()).toEqual([]);
});

test('a tag went while nobody looked: what went or moved from it before is kept, others go on; the owner’s rows are there at a word', async () => {
  await cdc.stop();
  await on.take('monolith', 1, 'moor');
  await on.query('monolith', 'UPDATE "ArticleTags" SET "tagId" = ? WHERE "tagId" = ?', [
    await on.idOf('monolith', 'lake'),
    await on.idOf('monolith', 'dune'),
  ]);
  await on.query('monolith', 'DELETE FROM "Tags" WHERE name IN (?, ?)', ['moor', 'dune']);
  await on.put('monolith', 2, 'fen');
  cdc = world.start();
  await on.bothHave(2, 'fen', 'mountain');
  const entries = (await until('all kept', async () => {
    const all = await open();
    return all.length === 5 ? all : undefined;
  }))!;
  const [first, gone, put, ...tags] = entries;
  expect(first).toMatchObject({ cause: 'inapplicable', table_name: 'ArticleTags' });
  expect(first!.detail).toMatch(
    /^tagId of ArticleTags referred to Tags \(\d+: gone from the monolith\), and nothing tells/,
  );
  for (const one of [gone, put]) expect(one).toMatchObject({ cause: 'behind-inapplicable', table_name: 'ArticleTags' });
  expect(tags.map(({ table_name, row_key }) => [table_name, row_key])).toEqual([
    ['Tags', 'dune'],
    ['Tags', 'moor'],
  ]);
  for (const { id } of [first!, ...tags])
    await resolve(world.plan, `${stream('forward')}:${id}`, {
      ...{ keep: 'owner', reason: 'a test', by: 'ada', seen: undefined },
    });
  await on.bothHave(1, 'fen', 'lake');
  await on.bothEqual();
  expect(await open()).toEqual([]);
});

test('what a large transaction refers to is there at its second try as well', async () => {
  await world.secretly('monolith', "INSERT INTO Tags (name, color) VALUES ('untold', 'grey')");
  cdc = await startAgain(world, cdc);
  const before = (await open()).length;
  await world.monolith.transaction(async () => {
    await on.article('monolith', 3, 12);
    await on.put('monolith', 3, 'untold');
    const names = Array.from({ length: 5_500 }, (_, at) => `bulk ${at}`);
    await world.monolith.query(`INSERT INTO Tags (name) VALUES ${names.map(() => '(?)').join(', ')}`, names);
    await on.tag('monolith', 'too long for the service');
  });
  const refused = await until('what is refused', async () => (await open())[before]);
  expect(refused).toMatchObject({ table_name: 'Tags', row_key: 'too long for the service' });
  await on.bothHave(3, 'untold');
  expect(await on.color('service', 'untold')).toBe('grey');
  expect(await open()).toHaveLength(before + 1);
});

test('a tag has gone by the time that the log tells what went before it: that goes too', async () => {
  cdc = await startAgain(world, cdc);
  const before = (await open()).length;
  await world.hold('service', async () => {
    const forward = cdc.streams.find(({ name }) => name === stream('forward'))!;
    await until('the stream stands still', () => forward.status().lag === null);
    await on.query('monolith', 'DELETE FROM "ArticleTags" WHERE "tagId" = ?', [await on.idOf('monolith', 'fen')]);
    await on.query('monolith', 'DELETE FROM "Tags" WHERE name = ?', ['fen']);
  });
  await on.bothHave(2, 'mountain');
  await until('it gone from the service', async () => (await on.idOf('service', 'fen')) === null);
  expect(await open()).toHaveLength(before);
});

test('the source does not answer: what its log tells goes on, and what nothing tells is kept', async () => {
  const { url, cut } = await wire(world.plan.monolith.database!.applier);
  const { monolith } = world.plan;
  await cdc.stop();
  const plan = { ...world.plan, monolith: { ...monolith, database: { ...monolith.database!, applier: url } } };
  const other = startCdc(plan, { log: pino({ level: 'silent' }) });
  try {
    await untilRunning(other);
    cut();
    const known = (await open()).length;
    await on.tag('monolith', 'newer');
    await on.put('monolith', 2, 'newer');
    await until('what the log tells', async () => (await on.tagsOf('service', 2)).includes('newer'));
    await world.secretly('monolith', "INSERT INTO Tags (name) VALUES ('ours')");
    await on.article('monolith', 4, 10);
    await on.put('monolith', 4, 'ours');
    await on.article('monolith', 5, 11);
    await world.monolith.query('SET foreign_key_checks = 0');
    await world.monolith.query('INSERT INTO ArticleTags VALUES (5, 999999, 1)');
    await world.monolith.query('SET foreign_key_checks = 1');
    await on.put('monolith', 2, 'lake');
    await until('what comes behind', async () => (await on.tagsOf('service', 2)).includes('lake'));
    const [ours, unknown, ...none] = (await open()).slice(known);
    expect(ours!.detail).toContain('tagId of ArticleTags refers to Tags ours, which the service does not have');
    expect(unknown!.detail).toContain(
      'refers to Tags (999999: gone from the monolith), which the service does not have',
    );
    expect(none).toEqual([]);
  } finally {
    await other.stop();
  }
});

/** An address that leads to the same database through a wire that can be cut. */
async function wire(url: string) {
  const { hostname, port } = new URL(url);
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('error', () => {});
      end.on('close', () => other.destroy());
      end.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const there = new URL(url);
  there.hostname = '127.0.0.1';
  there.port = String((server.address() as { port: number }).port);
  const cut = () => {
    server.close();
    for (const end of ends) end.destroy();
  };
  return { url: there.href, cut };
}
