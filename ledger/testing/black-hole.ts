import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut: connections stay open and new ones are accepted, but nothing passes any more. */
export type BlackHole = {
  readonly port: number;
  /** Nothing passes from here on, until `open`. */
  swallow(): void;
  /** New connections pass; what was swallowed is lost. */
  open(): void;
  stop(): Promise<void>;
};

/** Starts one in front of a server. */
export async function startBlackHole(host: string, port: number): Promise<BlackHole> {
  const sockets = new Set<Socket>();
  let swallowing = false;
  const server = createServer((client) => {
    const through = connect(port, host);
    const passes = { always: !swallowing };
    holes.add(passes);
    for (const [from, to] of [
      [client, through],
      [through, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => passes.always && to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        if (passes.always) to.destroy();
      });
    }
  });
  const holes = new Set<{ always: boolean }>();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => {
      swallowing = true;
      for (const passes of holes) passes.always = false;
      holes.clear();
    },
    open: () => {
      swallowing = false;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
