import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Somebody’s pager: hears of every rollback. */
export type Webhook = { readonly heard: readonly { at: number; body: unknown }[]; readonly stop: () => Promise<void> };

/** Listens on loopback. Rejects if the port is taken. */
export async function startWebhook(port: number): Promise<Webhook & { port: number }> {
  const heard: { at: number; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    heard.push({ at: Date.now(), body: JSON.parse(text) });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    heard,
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
