import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { sayDuration } from '@strangler/plan';
import { HOME } from './addresses.ts';
import type { Books } from './books.ts';
import type { Input } from './input.ts';
import type { Step } from './steps.ts';
import type { Kill, Told } from './story.ts';

/** What the input adds up to. */
export type Expected = { readonly orders: number; readonly cents: number; readonly live: number };

/** What the input adds up to, history and all. */
export function expectedOf({ history, live }: Input): Expected {
  const purchases = [...history, ...live];
  return {
    orders: purchases.length,
    cents: purchases.reduce((sum, { product }) => sum + product.cents, 0),
    live: live.length,
  };
}

/** Everything a rehearsal found out; written to .strangler/reports/rehearsal.json. */
export type Report = {
  readonly quick: boolean;
  readonly at: string;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly memoryGiB: number; readonly node: string };
  /** Milliseconds per chapter. */
  readonly took: Readonly<Record<string, number>>;
  readonly regression: { readonly cases: number; readonly agreed: boolean };
  readonly backfill: { readonly rows: number; readonly rowsPerSecond: number };
  readonly steps: readonly Step[];
  readonly kill: Kill;
  readonly comparing: Pick<Told, 'compared' | 'wrongBuild'>;
  readonly traffic: {
    readonly customersAtATime: number;
    readonly requests: number;
    readonly retries: number;
    readonly errors: readonly string[];
    readonly mostInFlight: number;
  };
  /** Share of the purchases replayed when everybody was on the service for the last time. */
  readonly completeAt: number;
  readonly expected: Expected;
  readonly ledger: Books;
  /** What is wrong; empty after a perfect rehearsal. */
  readonly mistakes: readonly string[];
};

/** The machine the figures come from. */
export const thisMachine = (): Report['machine'] => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
});

/** Writes a report under its name; gives the file. */
export function writeReport(name: 'rehearsal' | 'chaos', report: object): string {
  const folder = join(HOME, 'reports');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

/** Rows of text as a table; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)),
  );
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const right = head.map((_, column) =>
    rows.every((row) => typeof row[column] === 'number' || /^[\d–]/.test(String(row[column]))),
  );
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')}`;
  return [
    line(cells[0]!),
    `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`,
    ...cells.slice(1).map(line),
  ].join('\n');
}

const money = (cents: number): string => (cents / 100).toLocaleString('en', { minimumFractionDigits: 2 });

const count = (n: number): string => n.toLocaleString('en');

/** The ledger as a table: what the input adds up to, and what was found. */
export function describeBooks(expected: Expected, ledger: Books): string {
  const pair = ({ expected, found }: { expected: number; found: number }, say: (n: number) => string) => [
    say(expected),
    say(found),
  ];
  const { orders, cents, live } = expected;
  return table(
    ['the ledger', 'expected', 'found'],
    [
      ['purchases acknowledged', count(live), count(ledger.acknowledged)],
      ['orders in MySQL', count(orders), count(ledger.mysql.orders)],
      ['orders in Postgres', count(orders), count(ledger.postgres.orders)],
      ['money in MySQL', money(cents), money(ledger.mysql.cents)],
      ['money in Postgres', money(cents), money(ledger.postgres.cents)],
      ['lost', '0', count(ledger.lost)],
      ['duplicated', '0', count(ledger.duplicated)],
      ['rows that differ', '0', count(ledger.differing)],
      ['purchases with one notification', ...pair(ledger.notifications, count)],
      ['pieces in stock', ...pair(ledger.stock, count)],
      ['money paid', ...pair(ledger.payments, money)],
      ['quarantine, open', '0', count(ledger.quarantine.open)],
    ],
  );
}

/** The verdict over the books, for a person. */
export const describeMistakes = (mistakes: readonly string[]): string[] =>
  mistakes.length
    ? ['  NOT PERFECT:', ...mistakes.map((mistake) => `  ✗ ${mistake}`)]
    : ['  The books balance to the cent: nothing lost, nothing doubled, nothing different.'];

/** The report for a person. */
export function describeReport(report: Report): string {
  const steps = table(
    [
      'step',
      'boundary',
      'users',
      'took',
      'handoffs',
      'pause p50',
      'max',
      'requests',
      'errors',
      'lag p50',
      'p99',
      'verdict',
    ],
    report.steps.map((step) => [
      step.name,
      `${step.from / 100}–${step.boundary / 100} %`,
      step.usersMoved,
      sayDuration(step.took),
      step.handoffs.count,
      sayDuration(step.handoffs.pauseP50),
      sayDuration(step.handoffs.pauseMax),
      step.requests,
      step.errors,
      sayDuration(step.lag.p50),
      sayDuration(step.lag.p99),
      step.evidence.verdict,
    ]),
  );
  const { kill, traffic, comparing } = report;
  const { wrongBuild } = comparing;
  const compared = comparing.compared.reduce((sum, one) => sum + one.compared, 0);
  const differing = comparing.compared.reduce((sum, one) => sum + one.differing, 0);
  return [
    '',
    steps,
    '',
    `  Replies of monolith and services compared beside the customers: ${count(compared)}, of which ${differing} differ.`,
    `  A wrong build of the orders service (prices rounded, lists turned round) at ${wrongBuild.boundary / 100} %: ${sayDuration(wrongBuild.closedAfter)} after its first`,
    `  reply the gate closed, and nobody moved on to it although more were wanted. ${wrongBuild.found.differing} of ${wrongBuild.found.compared} replies differed, in:`,
    ...wrongBuild.found.paths.map((path) => `    ${path}`),
    `  SIGKILL of the orders service at 50 %: everybody back on the monolith ${sayDuration(kill.backAfterTenthFailure)} after the 10th failed request; the webhook heard of it.`,
    `  ${count(traffic.requests)} requests of ${traffic.customersAtATime} customers at a time, ${count(traffic.retries)} retried, ${traffic.errors.length} errors after retries.`,
    `  Everybody on the service for the last time with ${((1 - report.completeAt) * 100).toFixed(1)} % of the purchases to come. Settled in quarantine: ${report.ledger.quarantine.settled}.`,
    '',
    describeBooks(report.expected, report.ledger),
    '',
    ...describeMistakes(report.mistakes),
  ].join('\n');
}
