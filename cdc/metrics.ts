import { once } from 'node:events';
import { createServer } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Cdc } from './cdc.ts';

/** What the sync tells Prometheus. */
export type SyncMetrics = {
  /** Counts rows applied to a stream's target. */
  applied(stream: string, rows: number): void;
  /** Serves /metrics at HOST:PORT; gives its stop. Throws the server's error, such as EADDRINUSE. */
  serve(address: string, cdc: Cdc): Promise<() => Promise<void>>;
};

/** Metrics of one process. */
export function createMetrics(): SyncMetrics {
  const registry = new Registry();
  const registers = [registry];
  const rows = new Counter({
    name: 'strangler_rows_applied_total',
    help: 'Rows of applications applied to the target of a stream.',
    labelNames: ['stream'],
    registers,
  });
  return {
    applied: (stream, count) => rows.inc({ stream }, count),
    async serve(address, cdc) {
      for (const [name, help, value] of GAUGES) {
        new Gauge({
          name,
          help,
          labelNames: ['stream'],
          registers,
          collect() {
            for (const stream of cdc.streams) this.set({ stream: stream.name }, value(stream.status()));
          },
        });
      }
      new Gauge({
        name: 'strangler_quarantine_open',
        help: 'Rows in the quarantine of a stream’s target that wait for a person.',
        labelNames: ['stream'],
        registers,
        collect() {
          for (const { name } of cdc.streams) this.set({ stream: name }, cdc.quarantined(name));
        },
      });
      const server = createServer(async (request, response) => {
        const known = request.url === '/metrics';
        response.writeHead(known ? 200 : 404, { 'content-type': known ? registry.contentType : 'text/plain' });
        response.end(known ? await registry.metrics() : 'not found\n');
      });
      const at = address.lastIndexOf(':');
      server.listen(Number(address.slice(at + 1)), address.slice(0, at).replace(/^\[|\]$/g, ''));
      await once(server, 'listening');
      return () => new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

type Status = ReturnType<Cdc['streams'][number]['status']>;

const GAUGES: readonly (readonly [string, string, (status: Status) => number])[] = [
  [
    'strangler_stream_lag_seconds',
    'From a commit on the source to its effect on the target; +Inf is unknown.',
    ({ lag }) => (lag === null ? Number.POSITIVE_INFINITY : lag / 1_000),
  ],
  [
    'strangler_stream_stopped',
    '1 if the stream has stopped and a person must look.',
    ({ state }) => Number(state === 'stopped'),
  ],
  [
    'strangler_stream_stalled',
    '1 if nothing has come through for 30 s although the source goes on.',
    ({ state }) => Number(state === 'stalled'),
  ],
];
