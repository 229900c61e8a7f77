import { createServer, type RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One side of a suite: a base URL, an express app (or any request listener), or an http server. */
export type SuiteTarget = string | RequestListener | Server;

export interface OpenTarget {
  /** Without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Makes a target reachable; what it starts to do so, `close` ends. */
export async function openTarget(target: SuiteTarget): Promise<OpenTarget> {
  if (typeof target === 'string') return { url: target.replace(/\/+$/, ''), close: async () => {} };
  if (target instanceof Server && target.listening) return { url: urlOf(target), close: async () => {} };
  const server = target instanceof Server ? target : createServer(target);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { url: urlOf(server), close: () => close(server) };
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  const host = address === '::' || address === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${host}:${port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // an error means it is closed already
    server.closeAllConnections();
  });
}
