import type { Server } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';

/** Listens on HOST:PORT and says where it does, which is another port if it was 0. Rejects with the system’s error. */
export async function listenOn(server: Server, address: string): Promise<string> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(Number(address.slice(colon + 1)), host, resolve);
  await promise;
  server.off('error', reject);
  const { address: at, port } = server.address() as AddressInfo;
  return `${isIPv6(at) ? `[${at}]` : at}:${port}`;
}
