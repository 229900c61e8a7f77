import type { Socket } from 'node:net';

/**
 * Breaks a connection off, so that its client sees that something is missing. One that is being ended already cannot be
 * reset (libuv refuses it, and Node then never closes the connection): it is closed.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
