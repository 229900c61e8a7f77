import { openByCause, type Session } from '@strangler/ledger';
import { type Direction, otherSide, sourceOf, streamName } from '@strangler/plan';
import type { ReportFinding } from './finding.ts';

/** Names what a stream could not apply, so that nobody has to find out why a user's rows do not come. */
export async function checkQuarantine(
  capability: string,
  direction: Direction,
  target: Session,
  report: ReportFinding,
): Promise<void> {
  const open = await openByCause(target, streamName(capability, direction)).catch((error: { code?: unknown }) => {
    if (error.code === 'ER_NO_SUCH_TABLE' || error.code === '42P01') return []; // before init
    if (error.code !== 'ER_BAD_FIELD_ERROR' && error.code !== '42703') throw error;
    report({
      level: 'error',
      where: capability,
      what: `strangler_quarantine of the ${otherSide(sourceOf(direction))} is an earlier version’s`,
      why: 'cdc and the commands of the quarantine do not find the columns they need',
      fix: 'strangler init --apply',
    });
    return [];
  });
  for (const { table, cause, detail, n } of open) {
    report({
      level: 'warning',
      where: `${capability}.${table}`,
      what: `${n} ${n === 1 ? 'row waits' : 'rows wait'} in quarantine, ${cause}${detail ? `: ${detail}` : ''}`,
      why: 'what follows for their users may wait behind them, and nobody moves forward before somebody has decided',
      fix: `strangler quarantine list ${capability}`,
    });
  }
}
