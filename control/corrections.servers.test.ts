import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectEntries, type QuarantineEntry, quarantine } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { Bed } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

let databases: TestDatabases;
let bed: Bed;
let pager: Server;
const heard: { event: string; reason: string }[] = [];

beforeAll(async () => {
  pager = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    heard.push(JSON.parse(text));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve));
  databases = await TestDatabases.create(await servers(), `corrections_${process.pid}`);
  databases.apply('service');
  databases.apply('monolith');
  bed = await Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    control: { webhook: `http://127.0.0.1:${(pager.address() as AddressInfo).port}/` },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
    },
  });
  await bed.start();
});
afterAll(async () => {
  await bed?.close();
  await databases?.stopApplying();
  await databases?.drop();
  pager.close();
});

/** As an applier keeps a rogue write that nothing contradicted. */
const rogue = (key: string): QuarantineEntry => ({
  ...{
    stream: 'shop:reverse',
    status: 'kept',
    cause: 'rogue-applied',
    table: 'things',
    key,
    aggregate: `things ${key}`,
  },
  ...{ user: 'ada', before: '{"id":"1","n":"1"}', after: '{"id":"1","n":"2"}', owner: '{"id":"1","n":"1"}' },
  ...{ position: 'p', transaction: 't', epoch: null, detail: null, resolution: null, operation: null },
});
const keep = (...entries: QuarantineEntry[]) =>
  databases.of.monolith.use((session) => session.transaction(() => quarantine(session, entries)));

test('a rogue write alerts and closes the gate, which opens when somebody calls it expected (faults 85)', async () => {
  await bed.until('open gates', ({ gates }) => !gates.length);
  await keep(rogue('1'), { ...rogue('2'), status: 'superseded', cause: 'retried-purchase' });
  const closed = await bed.until('a closed gate', ({ gates }) => gates.length > 0);
  expect(closed.gates).toEqual([
    expect.stringMatching(
      /^1 row written by somebody past the proxy were applied in the monolith \(the last: things 1 of user ada/,
    ),
  ]);
  expect(closed.corrections).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ cause: 'rogue-applied', direction: 'reverse', rows: 1, unexpected: 1 }),
      expect.objectContaining({ cause: 'retried-purchase', rows: 1, unexpected: 0 }),
    ]),
  );
  expect(closed.quarantine).toEqual({ open: 0, settled: 2 });
  const metrics = String((await bed.call('GET', '/metrics')).body);
  expect(metrics).toContain(
    'strangler_corrections_total{capability="shop",direction="reverse",cause="rogue-applied"} 1',
  );
  while (!heard.length) await new Promise((resolve) => setTimeout(resolve, 10));
  await keep(rogue('3')); // of the same batch
  await bed.until('two of them', ({ corrections }) => corrections.some(({ unexpected }) => unexpected === 2));
  await databases.of.monolith.use((session) => expectEntries(session, { stream: 'shop:reverse' }));
  await bed.until('open gates again', ({ gates }) => !gates.length);
  expect(heard.map(({ event, reason }) => [event, reason])).toEqual([
    ['alert', expect.stringContaining('rogue-applied (reverse, 1 so far)')],
  ]);
});
