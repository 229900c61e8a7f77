import type { Server, Socket } from 'node:net';

/** Ties two connections together, without delay: what ends one ends the other. `open` holds those that are open. */
export function tie(one: Socket, other: Socket, open: Set<Socket>): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => peer.destroy());
    socket.on('close', () => {
      open.delete(socket);
      peer.destroy();
    });
  }
}

/** Listens on a port of this machine. Throws the server's error, such as EADDRINUSE. */
export const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
