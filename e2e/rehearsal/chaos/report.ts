import { sayDuration } from '@strangler/plan';
import type { Books } from '../books.ts';
import { describeBooks, describeMistakes, type Expected, type Report, table } from '../report.ts';
import type { Wound } from './recoveries.ts';

/** One kill, in milliseconds from the first purchase and from the kill. */
export type Kill = {
  readonly victim: string;
  readonly byItself: boolean;
  readonly at: number;
  /** Share of the purchases acknowledged then, 0…1. */
  readonly share: number;
  /** Until it had been started again and answered; null: never. */
  readonly back: number | null;
  /** Until the lag was below a second again; null: never. */
  readonly healed: number | null;
};

/** What a rehearsal with kills found out; written to .strangler/reports/chaos.json. */
export type ChaosReport = Pick<Report, 'quick' | 'at' | 'machine' | 'took' | 'expected' | 'ledger' | 'mistakes'> & {
  /** Of the kills that came by themselves; null if they all came from the keyboard. */
  readonly seed: number | null;
  readonly kills: readonly Kill[];
  readonly traffic: Omit<Report['traffic'], 'mostInFlight'>;
  readonly ledger: Books;
  readonly expected: Expected;
};

/** A wound as the report tells it; `begun` is when the first purchase was made (Unix ms). */
export const killOf = ({ victim, byItself, at, share, back, healed }: Wound, begun: number): Kill => ({
  victim,
  byItself,
  at: at - begun,
  share,
  back: back === undefined ? null : back - at,
  healed: healed === undefined ? null : healed - at,
});

/** The report for a person. */
export function describeChaos({ seed, kills, traffic, expected, ledger, mistakes }: ChaosReport): string {
  const count = (n: number) => n.toLocaleString('en');
  const after = (ms: number | null) => (ms === null ? '– never' : sayDuration(ms));
  const rows = kills.map(({ victim, byItself, at, share, back, healed }) => [
    byItself ? `${victim}, by itself` : victim,
    sayDuration(at),
    `${Math.floor(share * 100)} %`,
    after(back),
    after(healed),
  ]);
  return [
    '',
    ...(kills.length
      ? [table(['killed (SIGKILL)', 'at', 'purchases', 'back after', 'lag < 1 s after'], rows)]
      : ['  Nothing was killed.']),
    '',
    `  ${seed === null ? 'Killed by hand' : `Seed ${seed}`}. ${count(traffic.requests)} requests of ${traffic.customersAtATime} customers at a time, ${count(traffic.retries)} retried, ${traffic.errors.length} errors after retries.`,
    '',
    describeBooks(expected, ledger),
    '',
    ...describeMistakes(mistakes),
  ].join('\n');
}
