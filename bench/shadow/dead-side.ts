import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A side that takes connections and never says a word, until it is told to refuse them, and so on. */
export class DeadSide {
  readonly port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /** Starts one that hangs. */
  static async start(): Promise<DeadSide> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const side = new DeadSide(server);
    side.#watch();
    return side;
  }

  /** Refuses connections from now on, and ends those there are. */
  async refuse(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server.close(), 'close') : undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  /** Takes connections again, and says nothing. */
  async hang(): Promise<void> {
    this.#server = createServer();
    this.#watch();
    await once(this.#server.listen(this.port, '127.0.0.1'), 'listening');
  }

  #watch(): void {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
  }
}
