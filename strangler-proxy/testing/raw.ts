import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A client that sends bytes as they are and keeps what comes back. */
export class Raw {
  readonly socket: Socket;
  received = '';
  /** How the connection ended: not yet, in order, or reset. */
  ended: 'no' | 'closed' | 'reset' = 'no';
  #wake: (() => void)[] = [];

  constructor(address: string) {
    const { hostname, port } = new URL(`http://${address}`);
    this.socket = createConnection({ host: hostname, port: Number(port) });
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      this.#notify();
    });
    this.socket.on('error', () => {
      this.ended = 'reset';
    });
    this.socket.on('close', () => {
      if (this.ended === 'no') this.ended = 'closed';
      this.#notify();
    });
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  send(text: string | Buffer): this {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
    return this;
  }

  /** Waits until what has come satisfies `enough`, or the connection has ended. */
  async until(enough: (received: string) => boolean): Promise<string> {
    while (!enough(this.received) && this.ended === 'no') await new Promise<void>((wake) => this.#wake.push(wake));
    return this.received;
  }

  /** Waits for one whole answer with a Content-Length, or without a body. */
  answer(): Promise<string> {
    return this.until((text) => {
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return false;
      if (/^transfer-encoding: chunked/im.test(text.slice(0, head + 2))) return text.endsWith('0\r\n\r\n');
      const length = /^content-length: (\d+)/im.exec(text.slice(0, head + 2));
      return text.length >= head + 4 + Number(length?.[1] ?? 0);
    });
  }

  async end(): Promise<string> {
    await this.until(() => false);
    return this.received;
  }
}

/** The status of a raw answer. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

/** Sends one request and gives its whole answer. */
export async function ask(address: string, request: string | Buffer): Promise<string> {
  const client = new Raw(address);
  const answer = await client.send(request).answer();
  client.socket.destroy();
  return answer;
}

/** A TCP server that says what it likes: `serve` gets each connection. */
export async function tcp(serve: (socket: Socket, nth: number) => void) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    serve(socket, ++connections);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
