import { once } from 'node:events';
import { type FromControl, type FromProxy, LINK_PATH, type Ownership } from '@strangler/plan';
import { WebSocketServer } from 'ws';

/**
 * Says who owns whom to every proxy that links up, as control does, and hears what they say; gives its stop, safe to
 * call twice.
 */
export async function serveOwnership(
  port: number,
  capability: string,
  ownership: Ownership,
  hear: (message: FromProxy) => void = () => {},
): Promise<() => Promise<void>> {
  const message: FromControl = {
    type: 'snapshot',
    snapshot: { term: 1, version: 1, capabilities: { [capability]: ownership } },
  };
  const server = new WebSocketServer({ host: '127.0.0.1', port, path: LINK_PATH });
  server.on('connection', (socket) => {
    socket.on('message', (data) => hear(JSON.parse(String(data)) as FromProxy));
    socket.send(JSON.stringify(message));
  });
  await once(server, 'listening');
  return async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((closed) => server.close(closed));
  };
}
