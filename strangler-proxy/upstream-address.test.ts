import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, statusOf } from './testing/raw.ts';
import { stage } from './testing/stage.ts';

/* An address inside the house that no client may reach through the proxy, as 169.254.169.254 is in a cloud. */
let decoy: Server;
let inside: string;
let asked: number;
let open: Awaited<ReturnType<typeof stage>>;

beforeEach(async () => {
  asked = 0;
  decoy = createServer((_, response) => {
    asked++;
    response.end('secret');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => decoy.once('listening', resolve));
  inside = `127.0.0.1:${(decoy.address() as AddressInfo).port}`;
  const leads: RequestListener = (_, response) =>
    void response.writeHead(302, { location: `http://${inside}/latest/meta-data` }).end();
  open = await stage({ monolithDoes: leads, serviceDoes: leads, compare: { share: '100%' } });
  await open.control.says({ boundary: 0, pins: {} });
});
afterEach(async () => {
  await open.stop();
  decoy.closeAllConnections();
  await new Promise((resolve) => decoy.close(resolve));
});

const request = (target: string, headers: string, method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\n${headers}X-User: ada\r\nConnection: close\r\n\r\n`;

describe('faults 77: the Plan alone says where requests go', () => {
  test.each<[string, (inside: string) => string]>([
    ['an absolute target', (at) => request(`http://${at}/api/orders/7`, `Host: ${at}\r\n`)],
    ['an absolute target of a cloud’s metadata', () => request('http://169.254.169.254/latest', 'Host: shop\r\n')],
    ['a target that is a file', () => request('file:///etc/passwd', 'Host: shop\r\n')],
    ['a path that begins with a host', (at) => request(`//${at}/api/orders/7`, 'Host: shop\r\n')],
    ['a Host', (at) => request('/api/orders/7', `Host: ${at}\r\n`)],
    ['a user and a host in the target', (at) => request(`/@${at}/api/orders`, 'Host: shop\r\n')],
    ['X-Forwarded-Host', (at) => request('/api/orders/7', `Host: shop\r\nX-Forwarded-Host: ${at}\r\n`)],
    ['Forwarded', (at) => request('/api/orders/7', `Host: shop\r\nForwarded: host="${at}"\r\n`)],
    ['X-Original-URL', (at) => request('/api/orders/7', `Host: shop\r\nX-Original-URL: http://${at}/\r\n`)],
    ['X-Rewrite-URL', (at) => request('/api/orders/7', `Host: shop\r\nX-Rewrite-URL: http://${at}/\r\n`)],
    ['CONNECT', (at) => request(at, `Host: ${at}\r\n`, 'CONNECT')],
  ])('%s of a client leads nowhere else', async (_, from) => {
    const status = statusOf(await ask(open.address, from(inside)));
    expect([302, 400, 405]).toContain(status);
    expect(asked).toBe(0);
  });

  test('a redirect of a side is the client’s to follow, also for the copy that is compared', async () => {
    const answer = await fetch(`http://${open.address}/api/orders/7`, {
      headers: { 'x-user': 'ada' },
      redirect: 'manual',
    });
    expect(answer.status).toBe(302);
    await open.control.hears((all) => all.find(({ type }) => type === 'compared'));
    expect([open.service.requests.length, asked]).toEqual([1, 0]);
  });
});
