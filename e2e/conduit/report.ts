import { sayDuration } from '@strangler/plan';
import { table } from '../rehearsal/report.ts';
import type { Result } from './conduit.ts';

const count = (n: number): string => n.toLocaleString('en');

/** The result for a person. */
export function describe({ audit, kills, causes, town, mistakes }: Result): string {
  const { writes, ownReads } = town.ledger;
  const deaths = kills.map(({ victim, at, back, healed }) => [
    victim,
    `${at} %`,
    sayDuration(back),
    sayDuration(healed),
  ]);
  return [
    '',
    table(['killed (SIGKILL)', 'at', 'back after', 'lag < 1 s after'], deaths),
    '',
    `  ${count(town.deeds())} deeds. Writes: ${count(writes.acknowledged)} acknowledged, ${count(writes.refused)} refused, ${count(writes.unknown)} whose client was told nothing.`,
    `  ${count(ownReads.asked)} read at once by their writer, ${count(ownReads.late)} of them not there at first.`,
    '',
    table(
      ['acknowledged and still there', 'lost', 'doubled', 'not as acknowledged', 'rows compared', 'different'],
      [[audit.acknowledged, audit.lost, audit.doubled, audit.stale, audit.rows, audit.different]],
    ),
    '',
    table(
      ['cause', 'rows', 'why'],
      causes.map(({ cause, rows, why }) => [cause, rows, why || 'UNEXPLAINED']),
    ),
    '',
    ...(mistakes.length
      ? ['  NOT PERFECT:', ...mistakes.map((mistake) => `  ✗ ${mistake}`)]
      : ['  Every trap named, nothing lost, nothing doubled, nothing different, nothing unexplained.']),
  ].join('\n');
}
