import { expect, test } from '@jest/globals';
import { tcp } from './testing/raw.ts';
import { Upstream } from './upstream.ts';

const LIMITS = { connectTimeout: 1_000, headersTimeout: 1_000, idleTimeout: 1_000 };

test('connections that nobody needs any more are closed when they are old, also if no request comes', async () => {
  let open = 0;
  const side = await tcp((socket) => {
    open++;
    socket.on('close', () => open--);
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=600\r\nContent-Length: 0\r\n\r\n'),
    );
  });
  const upstream = new Upstream(new URL(side.url), LIMITS, 200);
  try {
    const lanes = Array.from({ length: 20 }, () => upstream.take(false));
    for (const lane of lanes) {
      const { body } = await lane.client.request({ path: '/', method: 'GET' });
      await body.dump();
    }
    for (const lane of lanes) upstream.give(lane);
    expect(open).toBe(20);
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(lanes.every(({ client }) => client.closed)).toBe(true);
    expect(lanes).not.toContain(upstream.take(false));
  } finally {
    await upstream.stop();
    await side.stop();
  }
});
