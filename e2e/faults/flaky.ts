import { connect, createServer, type Socket } from 'node:net';

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
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      return swallowed;
    },
  };
}
