import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listening {
  url: string;
  /** Stops accepting, lets requests in flight end (at most 10 s), then closes; safe to call twice. */
  stop(): Promise<void>;
}

/** Serves `app` at host and port (0: any free one); rejects with a sentence naming a port already in use. */
export const listen = async (app: RequestListener, port: number, host: string): Promise<Listening> => {
  const server = createServer({ keepAliveTimeout: 65_000 }, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const message = `port ${port} on ${host} is in use: stop what listens there, or set PORT to another`;
      reject(Object.assign(new Error(message, { cause: error }), { code: error.code }));
    });
    server.listen(port, host, resolve);
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= new Promise((resolve) => {
      const impatience = setTimeout(() => server.closeAllConnections(), 10_000);
      server.close(() => {
        clearTimeout(impatience);
        resolve();
      });
    });
    return stopping;
  };
  // Closing ends the connections that are idle then; the others end as soon as they become idle.
  server.on('request', (_request, response) => {
    response.once('close', () => stopping && setImmediate(() => server.closeIdleConnections()));
  });
  return { url: `http://${host}:${(server.address() as AddressInfo).port}`, stop };
};
