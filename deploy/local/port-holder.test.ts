import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { portHolder, portIsTaken } from './port-holder.ts';

test('a port in use is noticed, and who uses it is named', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await portIsTaken(port)).toBe(true);
  expect(portHolder(port)).toContain(`(process ${process.pid})`);
  server.close();
  await once(server, 'close');
  expect(await portIsTaken(port)).toBe(false);
  expect(portHolder(port)).toBeUndefined();
});
