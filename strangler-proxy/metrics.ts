import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Lack, Side, Snapshot } from '@strangler/plan';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listenOn } from './address.ts';
import type { Blame } from './blame.ts';
import type { RequestOutcome } from './tally.ts';

/** What the metrics read when they are scraped. */
export type Vitals = {
  readonly held: () => readonly (readonly [capability: string, count: number])[];
  readonly underWay: () => number;
  readonly snapshot: () => { readonly snapshot: Snapshot; readonly age: number } | undefined;
  readonly linkUp: () => boolean;
  /** Milliseconds since control was last heard, while there is no link to it. */
  readonly blindFor: () => number;
};

/** What became of a write that its side’s fence refused. */
export type Fenced = 'resent' | 'refused' | 'client-gone';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** prom-client’s numbers of one proxy; requests of no capability carry an empty one. */
export class ProxyMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'strangler_proxy_requests_total',
    help: 'Requests sent to a side, by class of status; none: there was no answer.',
    labelNames: ['capability', 'side', 'status'],
    registers: [this.registry],
  });
  readonly #notTheSides = new Counter({
    name: 'strangler_proxy_not_the_sides_total',
    help: 'Requests sent to a side whose end was the client’s, the proxy’s or nobody’s fault: they say nothing about the side.',
    labelNames: ['capability', 'side', 'fault'],
    registers: [this.registry],
  });
  readonly #fenced = new Counter({
    name: 'strangler_proxy_fenced_total',
    help: 'Writes a side’s fence refused, with nothing written: sent again to the owner, or refused with 503.',
    labelNames: ['capability', 'side', 'result'],
    registers: [this.registry],
  });
  readonly #withoutUser = new Counter({
    name: 'strangler_proxy_without_user_total',
    help: 'Requests of a capability without a user: they name none (absent), one that cannot be read, or one that cannot be found out just now.',
    labelNames: ['capability', 'kind', 'lack'],
    registers: [this.registry],
  });
  readonly #latency = new Histogram({
    name: 'strangler_proxy_latency_seconds',
    help: 'From the request sent to the head of the answer.',
    labelNames: ['capability', 'side'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #hold = new Histogram({
    name: 'strangler_proxy_hold_seconds',
    help: 'How long writes were held.',
    labelNames: ['capability'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  /** Adds what is read at a scrape. */
  watch(vitals: Vitals): void {
    const registers = [this.registry];
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        ...{ name: `strangler_proxy_${name}`, help, registers },
        collect() {
          this.set(read());
        },
      });
    new Gauge({
      ...{ name: 'strangler_proxy_held_writes', help: 'Writes held now.', labelNames: ['capability'], registers },
      collect() {
        for (const [capability, count] of vitals.held()) this.set({ capability }, count);
      },
    });
    gauge('in_flight', 'Requests under way now.', vitals.underWay);
    gauge('snapshot_version', 'Version of the snapshot in force; 0 without one.', () => {
      return vitals.snapshot()?.snapshot.version ?? 0;
    });
    gauge('snapshot_age_seconds', 'Since the snapshot in force came; -1 without one.', () => {
      const held = vitals.snapshot();
      return held ? held.age / 1_000 : -1;
    });
    gauge('link_up', '1 while the link to control is up.', () => Number(vitals.linkUp()));
    gauge('blind_seconds', 'Since control was last heard, while there is no link to it; else 0.', () => {
      return vitals.blindFor() / 1_000;
    });
  }

  count(capability: string, side: Side, { status, latency }: RequestOutcome): void {
    this.#requests.inc({ capability, side, status: status === 0 ? 'none' : `${Math.floor(status / 100)}xx` });
    if (status > 0) this.#latency.observe({ capability, side }, latency / 1_000);
  }

  notTheSides(capability: string, side: Side, fault: Exclude<Blame['fault'], 'none' | 'side'>): void {
    this.#notTheSides.inc({ capability, side, fault });
  }

  fenced(capability: string, side: Side, result: Fenced): void {
    this.#fenced.inc({ capability, side, result });
  }

  withoutUser(capability: string, isWrite: boolean, lack: Lack): void {
    this.#withoutUser.inc({ capability, kind: isWrite ? 'write' : 'read', lack });
  }

  held(capability: string, milliseconds: number): void {
    this.#hold.observe({ capability }, milliseconds / 1_000);
  }
}

/** A request for metrics must have come within this time, in milliseconds. */
const LONGEST_REQUEST_MS = 5_000;

/** What /health says. */
export type Health = {
  /** There is a snapshot to split by, and it is not stopping. */
  readonly ready: boolean;
  /** Since control was last heard, while there is no link to it: who owns whom may have changed since. Else 0. */
  readonly blindForSeconds: number;
};

/** Serves /metrics, and /health: 200 while ready, else 503. Rejects if the port is taken. */
export async function serveMetrics(
  metrics: ProxyMetrics,
  health: () => Health,
  listen: string,
): Promise<{ address: string; stop: () => Promise<void> }> {
  const limits = { headersTimeout: LONGEST_REQUEST_MS, requestTimeout: LONGEST_REQUEST_MS };
  const server: Server = createServer({ ...limits, connectionsCheckingInterval: 1_000 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/health') {
      const now = health();
      response.writeHead(now.ready ? 200 : 503, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(now)}\n`);
    } else if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': metrics.registry.contentType });
      response.end(await metrics.registry.metrics());
    } else {
      response.writeHead(404).end();
    }
  };
  return {
    address: await listenOn(server, listen),
    stop: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
