import type { Counts, Status } from '@strangler/plan';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What Prometheus is told. */
export type Meters = {
  count(counts: Counts): void;
  pause(capability: string, ms: number): void;
  /** A message of a proxy could not be used. */
  refused(): void;
  /** The exposition text for a status. */
  text(status: Status): Promise<string>;
};

const VERDICTS = ['pass', 'fail', 'unsure'] as const;
const PHASES = ['idle', 'holding', 'flipped'] as const;

/** One registry per control, so that two in one process do not meet. */
export function openMeters(): Meters {
  const registers = [new Registry()];
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `strangler_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string) =>
    new Counter({ name: `strangler_${name}`, help, labelNames: ['capability', 'side'], registers });
  const requests = counter('requests_total', 'Requests that ended, by side.');
  const errors = counter('errors_total', 'Requests that failed by the side’s fault.');
  const hard = counter('hard_failures_total', 'Requests in which the side could not be talked to.');
  const refused = new Counter({
    name: 'strangler_refused_messages_total',
    help: 'Messages of proxies that could not be used.',
    registers,
  });
  const active = gauge('control_active', '1 if this control holds the lease.');
  const proxies = gauge('proxies', 'Proxies connected.');
  const lost = gauge('proxy_lost_seconds', 'Since a registered proxy lost its link; 0 while it has one.', 'proxy');
  const boundary = gauge('boundary', 'Buckets the service owns, 0 to 10000.', 'capability');
  const target = gauge('target', 'Where the boundary is going.', 'capability');
  const flag = gauge('flag', 'Percentage of the flag; NaN if it cannot be read.', 'capability');
  const epoch = gauge('epoch', 'The last handoff begun.', 'capability');
  const phase = gauge('phase', '1 for the phase of the handoff.', 'capability', 'phase');
  const verdict = gauge('verdict', '1 for the judge’s verdict.', 'capability', 'verdict');
  const behind = gauge('users_behind', 'Users left behind by their range.', 'capability');
  const gates = gauge('gates_closed', 'Reasons that keep users from moving forward.', 'capability');
  const lag = gauge('lag_milliseconds', 'Lag of a stream; +Inf if unknown.', 'capability', 'stream');
  const quarantine = gauge('quarantine_rows', 'Rows kept in quarantine.', 'capability', 'status');
  const corrections = new Counter({
    name: 'strangler_corrections_total',
    help: 'Rows that the sync has overwritten, superseded or applied late, by cause.',
    labelNames: ['capability', 'direction', 'cause'],
    registers,
  });
  const unexpected = gauge(
    'corrections_unexpected',
    'Those of them that nobody has called expected: they keep users from moving forward.',
    ...['capability', 'direction', 'cause'],
  );
  const pause = new Histogram({
    name: 'strangler_handoff_pause_seconds',
    help: 'From hold to release: what a held write waits at most.',
    labelNames: ['capability'],
    buckets: [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56],
    registers,
  });
  return {
    count: ({ capability, side, ...counted }) => {
      requests.inc({ capability, side }, counted.requests);
      errors.inc({ capability, side }, counted.errors);
      hard.inc({ capability, side }, counted.hard);
    },
    refused: () => refused.inc(),
    pause: (capability, ms) => pause.observe({ capability }, ms / 1_000),
    text: async (status) => {
      active.set(status.control.active ? 1 : 0);
      proxies.set(status.proxies.filter(({ connected }) => connected).length);
      lost.reset();
      corrections.reset(); // the databases count, also what was there before this process
      for (const { proxy, lostFor } of status.proxies) lost.set({ proxy }, (lostFor ?? 0) / 1_000);
      for (const one of status.capabilities) {
        const { capability } = one;
        boundary.set({ capability }, one.boundary);
        target.set({ capability }, one.target);
        flag.set({ capability }, one.flag ?? Number.NaN);
        epoch.set({ capability }, one.epoch);
        for (const name of PHASES) phase.set({ capability, phase: name }, name === one.phase ? 1 : 0);
        for (const name of VERDICTS) verdict.set({ capability, verdict: name }, name === one.verdict.verdict ? 1 : 0);
        behind.set({ capability }, one.behind);
        gates.set({ capability }, one.gates.length);
        for (const stream of one.streams) {
          lag.set({ capability, stream: stream.stream }, stream.lag ?? Number.POSITIVE_INFINITY);
        }
        quarantine.set({ capability, status: 'open' }, one.quarantine.open);
        quarantine.set({ capability, status: 'settled' }, one.quarantine.settled);
        for (const { direction, cause, rows, unexpected: left } of one.corrections) {
          corrections.inc({ capability, direction, cause }, rows);
          unexpected.set({ capability, direction, cause }, left);
        }
      }
      return registers[0]!.metrics();
    },
  };
}
