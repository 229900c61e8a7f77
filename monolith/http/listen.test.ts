import { expect, test } from '@jest/globals';
import { listen } from './listen.ts';

test('a port in use is named, with the next step', async () => {
  const first = await listen((_request, response) => response.end(), 0, '127.0.0.1');
  const port = Number(new URL(first.url).port);
  await expect(listen(() => {}, port, '127.0.0.1')).rejects.toThrow(
    `port ${port} on 127.0.0.1 is in use: stop what listens there, or set PORT to another`,
  );
  await first.stop();
});

test('stopping lets the request in flight end, closes the rest, and may be asked twice', async () => {
  let finish = () => {};
  const begun = Promise.withResolvers<void>();
  const server = await listen(
    (_request, response) => {
      finish = () => response.end('done');
      begun.resolve();
    },
    0,
    '127.0.0.1',
  );
  const answer = fetch(server.url).then((response) => response.text());
  await begun.promise;
  const stopped = Promise.all([server.stop(), server.stop()]);
  finish();
  expect(await answer).toBe('done');
  await stopped;
  await expect(fetch(server.url)).rejects.toThrow();
});
