import { connect, createServer, type Socket } from 'node:net';
import { listening, tie } from './tie.ts';

/**
 * A listener that passes everything on to another port, except that one request in `every`, the first after `first`, is
 * never answered. `stop` gives how many that were.
 */
export async function flaky(
  port: number,
  to: number,
  every: number,
  first: number,
): Promise<{ stop(): Promise<number> }> {
  const sockets = new Set<Socket>();
  let asked = every - first;
  let swallowed = 0;
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    let mute = false;
    tie(client, upstream, sockets);
    client.on('data', (chunk) => {
      if (!mute && ++asked % every === 0) {
        mute = true;
        swallowed++;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!mute) client.write(chunk);
    });
  });
  await listening(server, port);
  return {
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      return swallowed;
    },
  };
}
