import { OTHER_ROUTES, type ResultKind } from '@strangler/compare';
import type { Side } from '@strangler/plan';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { endpointOf } from './findings.ts';

/** What is read of a shadow when metrics are scraped. */
export type ShadowVitals = {
  readonly waiting: () => { readonly reads: number; readonly bytes: number; readonly underWay: number };
  readonly circuitOpen: () => readonly (readonly [capability: string, side: Side, circuitOpen: boolean])[];
};

/** Endpoints that are told apart, so that no client can make the metrics grow. */
const MOST_ROUTES = 200;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3];

/** prom-client’s numbers of live comparing. */
export class ShadowMeters {
  readonly #routes = new Set<string>();
  readonly #registers: Registry[];
  readonly #compared;
  readonly #dropped;
  readonly #latency;
  readonly #failures;

  constructor(registry: Registry) {
    this.#registers = [registry];
    const registers = this.#registers;
    this.#compared = new Counter({
      name: 'strangler_proxy_compared_total',
      help: 'Compared reads, by result.',
      labelNames: ['capability', 'route', 'result'],
      registers,
    });
    this.#dropped = new Counter({
      name: 'strangler_proxy_compare_dropped_total',
      help: 'Reads that were not compared because of a bound, by bound.',
      labelNames: ['capability', 'reason'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'strangler_proxy_shadow_latency_seconds',
      help: 'From a read asked to compare to the end of its reply.',
      labelNames: ['capability', 'side'],
      buckets: SECONDS,
      registers,
    });
    this.#failures = new Counter({
      name: 'strangler_proxy_shadow_failures_total',
      help: 'Reads asked to compare that had no reply.',
      labelNames: ['capability', 'side'],
      registers,
    });
  }

  /** Adds what is read at a scrape. */
  watch({ waiting, circuitOpen }: ShadowVitals): void {
    const registers = this.#registers;
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        ...{ name: `strangler_proxy_compare_${name}`, help, registers },
        collect() {
          this.set(read());
        },
      });
    gauge('waiting', 'Reads that wait to be compared.', () => waiting().reads);
    gauge('waiting_bytes', 'Bytes of the replies that wait.', () => waiting().bytes);
    gauge('under_way', 'Reads being compared.', () => waiting().underWay);
    new Gauge({
      name: 'strangler_proxy_compare_circuit_open',
      help: '1 while a side is not asked because it has failed too often.',
      labelNames: ['capability', 'side'],
      registers,
      collect() {
        for (const [capability, side, value] of circuitOpen()) this.set({ capability, side }, Number(value));
      },
    });
  }

  compared(capability: string, route: string, result: ResultKind): void {
    const known = endpointOf(route);
    if (this.#routes.size < MOST_ROUTES) this.#routes.add(known);
    this.#compared.inc({ capability, route: this.#routes.has(known) ? known : OTHER_ROUTES, result });
  }

  dropped(capability: string, reason: string): void {
    this.#dropped.inc({ capability, reason });
  }

  /** A side was asked; it took so many ms. */
  asked(capability: string, side: Side, milliseconds: number, failed: boolean): void {
    if (failed) this.#failures.inc({ capability, side });
    else this.#latency.observe({ capability, side }, milliseconds / 1_000);
  }
}
