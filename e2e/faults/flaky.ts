import { connect, createServer, type Socket } from 'node:net';

/**
 * A listener that passes everything on to another port, except that with this probability the answer to a request is
 * never passed on. `stop` gives how often that was.
 */
export async function flaky(port: number, to: number, probability: number): Promise<{ stop(): Promise<number> }> {
  const sockets = new Set<Socket>();
  let swallowed = 0;
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    let mute = false;
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (!mute && Math.random() < probability) {
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
