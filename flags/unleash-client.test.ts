import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { percentageOf } from './percentage.ts';
import { followUnleash } from './unleash-client.ts';

const feature = (rollout: string) => ({
  name: 'orders',
  enabled: true,
  strategies: [
    { name: 'flexibleRollout', constraints: [], parameters: { rollout, stickiness: 'userId', groupId: 'shop' } },
  ],
});

/* The open-source server has no stream, so this one speaks Unleash's protocol as far as it is needed. */
test('a server that offers its stream is listened to, and still looked at often enough to know that it lives', async () => {
  let stream: ServerResponse | undefined;
  let connected = 0;
  const send = (event: string, events: object[]) =>
    stream?.write(`event: ${event}\ndata: ${JSON.stringify({ events })}\n\n`);
  const server = createServer((request, answer) => {
    if (request.url!.startsWith('/api/client/features')) {
      answer.writeHead(200, { 'content-type': 'application/json', 'fetch-mode': 'streaming' });
      return void answer.end('{"version":2,"features":[]}');
    }
    connected++;
    stream = answer.writeHead(200, { 'content-type': 'text/event-stream' });
    const hydration = { type: 'hydration', eventId: 1, features: [feature('10')], segments: [] };
    send('unleash-connected', [hydration]);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const heard: number[] = [];
  const end = followUnleash(
    { url, token: 'x', adminToken: 'x', environment: 'development', project: 'default' },
    {
      read(featureOf) {
        const reading = percentageOf(featureOf('orders')!, 'shop');
        if ('percentage' in reading) heard.push(reading.percentage);
      },
      failed: () => undefined,
    },
  );
  while (heard.at(-1) !== 10) await wait(5);
  send('unleash-updated', [{ type: 'feature-updated', eventId: 2, feature: feature('25') }]);
  while (heard.at(-1) !== 25) await wait(5);
  while (connected < 2) await wait(50);
  end();
  end();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(heard.slice(0, 2)).toEqual([10, 25]);
});
