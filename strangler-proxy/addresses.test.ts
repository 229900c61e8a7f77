import { expect, test } from '@jest/globals';
import { Addresses, type CalledBy } from './addresses.ts';
import { Places } from './identity/places.ts';
import { routedCapabilities } from './route.ts';
import { Raw } from './testing/raw.ts';
import { planOf, stage } from './testing/stage.ts';

const plan = planOf({
  monolith: 'http://10.0.0.5:3000/shop',
  service: 'http://orders.internal/v2',
  rewrite: { '^/api(?=/)': '' },
});
const addresses = new Addresses(new URL(plan.monolith.url!), routedCapabilities(plan, new Places()));
const BY: CalledBy = { scheme: 'https', host: 'shop.test' };

test.each([
  ['location', 'http://10.0.0.5:3000/shop/login?to=%2F#a', 'https://shop.test/login?to=%2F#a'],
  ['location', 'HTTP://10.0.0.5:3000/shop', 'https://shop.test/'],
  ['location', 'http://10.0.0.5:3000', 'https://shop.test'],
  ['location', '//10.0.0.5:3000/shop/x', '//shop.test/x'],
  ['location', 'http://user:secret@10.0.0.5:3000/shop/x', 'https://shop.test/x'],
  ['location', 'http://10.0.0.5:3000/elsewhere', 'https://shop.test/elsewhere'],
  ['location', 'http://10.0.0.5:3000/shopping', 'https://shop.test/shopping'],
  ['location', 'http://orders.internal/v2/orders/7', 'https://shop.test/api/orders/7'],
  ['location', 'http://ORDERS.internal:80/v2/orders/7?x=1', 'https://shop.test/api/orders/7?x=1'],
  ['location', 'http://orders.internal/v2/help', 'https://shop.test/help'],
  ['location', 'http://orders.internal/v2/orders/caf\xc3\xa9', 'https://shop.test/api/orders/caf\xc3\xa9'],
  ['content-location', 'http://orders.internal/v2/orders/7', 'https://shop.test/api/orders/7'],
  [
    'link',
    '<http://orders.internal/v2/orders?page=2>; rel="next", </a.css>; rel=preload',
    '<https://shop.test/api/orders?page=2>; rel="next", </a.css>; rel=preload',
  ],
  ['set-cookie', 'a=1; Domain=orders.internal; Path=/', 'a=1; Path=/'],
  ['set-cookie', 'a=1;domain=.ORDERS.internal', 'a=1'],
  ['set-cookie', 'a=1; Path=/; domain = 10.0.0.5 ; Secure', 'a=1; Path=/; Secure'],
])('faults 37 %s: %s becomes %s', (name, given, right) => {
  expect(addresses.header(name, given, BY)).toBe(right);
});

test.each([
  ['location', '/orders/7'],
  ['location', 'orders/7'],
  ['location', 'https://shop.test/x'],
  ['location', 'https://elsewhere.test/http://10.0.0.5:3000/'],
  ['location', 'http://10.0.0.5:3001/x'],
  ['location', 'https://10.0.0.5/x'],
  ['location', 'http://10.0.0.5:3000.evil.test/x'],
  ['location', 'http://[half'],
  ['location', 'mailto:a@10.0.0.5'],
  ['location', ''],
  ['link', '<https://cdn.test/a.js>; rel=preload; title="10.0.0.5:3000"'],
  ['set-cookie', 'domain=orders.internal; Path=/'],
  ['set-cookie', 'a="x; Domain=shop.test; Path=/'],
  ['x-other', 'http://10.0.0.5:3000/shop'],
])('faults 37 what names no upstream stays as it is: %s: %s', (name, given) => {
  expect(addresses.header(name, given, BY)).toBe(given);
});

test('faults 37 a client that called the upstream by its own name sees what it called', () => {
  const by: CalledBy = { scheme: 'http', host: '10.0.0.5:3000' };
  expect(addresses.header('location', 'http://10.0.0.5:3000/shop/x', by)).toBe('http://10.0.0.5:3000/shop/x');
  expect(addresses.header('set-cookie', 'a=1; Domain=10.0.0.5', by)).toBe('a=1; Domain=10.0.0.5');
  expect(addresses.header('location', 'http://10.0.0.5:3000/shop/x', { scheme: 'http', host: undefined })).toBe('/x');
});

test('faults 37 no answer leads a client to an address of the Plan, be it of a side, a hint or a refused upgrade', async () => {
  const does: Parameters<typeof stage>[0] = {
    rewrite: { '^/api': '' },
    proxy: { trustedHops: ['127.0.0.1'] },
    serviceDoes: (request, response) => {
      const mine = `http://127.0.0.1:${request.socket.localPort}`;
      if (request.headers.expects === 'hint') response.writeEarlyHints({ link: `<${mine}/orders/a.css>; rel=preload` });
      response.setHeader('Set-Cookie', ['a=1; Domain=127.0.0.1', 'b=2; Path=/']);
      response.writeHead(302, { Location: `${mine}/orders/8`, 'Content-Location': `${mine}/orders/7` }).end();
    },
  };
  const one = await stage(does);
  await one.control.says({ boundary: 10_000, pins: {} });
  const ask = async (head: string) =>
    (await new Raw(one.address).send(`GET /api/orders/7 HTTP/1.1\r\nX-User: u\r\n${head}\r\n\r\n`).end()).toLowerCase();
  const behindTls = await ask(
    'Host: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nExpects: hint\r\nConnection: close',
  );
  expect(behindTls).toContain('link: <https://shop.test/api/orders/a.css>; rel=preload\r\n');
  expect(behindTls).toContain('location: https://shop.test/api/orders/8\r\n');
  expect(behindTls).toContain('content-location: https://shop.test/api/orders/7\r\n');
  expect(behindTls).toContain('set-cookie: a=1\r\nset-cookie: b=2; path=/\r\n');
  const upgrade = await ask(
    'Host: shop.test:81\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  );
  expect(upgrade).toContain('location: http://shop.test:81/api/orders/8\r\n');
  for (const answer of [behindTls, upgrade]) expect(answer).not.toContain('127.0.0.1');
  await one.stop();
});
