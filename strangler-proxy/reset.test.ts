import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { reset } from './reset.ts';
import { Raw } from './testing/raw.ts';

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve));
});

test.each([
  ['one that is being ended', true, 'closed'],
  ['any other', false, 'reset'],
] as const)('a connection that is broken off is closed, %s too', async (_, ended, how) => {
  const closed = Promise.withResolvers<void>();
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', closed.reject).on('close', () => closed.resolve());
    socket.once('data', () => {
      if (ended) socket.end('x');
      reset(socket);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = new Raw(`127.0.0.1:${port}`).send('a');
  await client.end();
  await closed.promise;
  expect(client.ended).toBe(how);
});
