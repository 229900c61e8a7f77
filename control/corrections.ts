import { type CauseRow, unexpectedOf } from '@strangler/ledger';
import { type CauseCount, type Direction, SUSPECT, sayWhose, streamName } from '@strangler/plan';

/** What a stream has kept, as an operator sees it. */
export const countsOf = (capability: string, direction: Direction, rows: readonly CauseRow[]): CauseCount[] =>
  rows.map(({ sample, ...row }) => ({
    ...{ direction, cause: row.cause, rows: row.kept, open: row.open, unexpected: unexpectedOf(row) },
    ...(sample && {
      sample: { entry: `${streamName(capability, direction)}:${sample.id}`, row: sample.row, user: sample.user },
    }),
  }));

/** What has been kept of the sync’s own doing that nobody has looked at: each a sentence that keeps users from moving forward. */
export const correctionGates = (capability: string, counts: readonly CauseCount[]): string[] =>
  counts.flatMap(({ cause, direction, unexpected, sample }) => {
    if (!unexpected) return [];
    const what = `${unexpected} ${unexpected === 1 ? 'row' : 'rows'} ${WORDS[cause] ?? cause}`;
    const where = `in the ${direction === 'forward' ? 'service' : 'monolith'}`;
    const such = sample ? ` (the last: ${sample.row} of ${sayWhose(sample.user, sample.row)}, ${sample.entry})` : '';
    const look = `strangler quarantine list ${capability} --settled --cause ${cause}`;
    const next = `strangler quarantine expect --all ${capability} --cause ${cause} --reason TEXT`;
    return [`${what} ${where}${such}; look: ${look}; if that is as it should be: ${next}`];
  });

/** What became of a row, after `3 rows`. */
const WORDS: Partial<Record<CauseCount['cause'], string>> = {
  'late-write': 'written late, and superseded since,',
  'rogue-write': 'written by somebody past the proxy, and superseded since,',
  'late-superseded': 'written late, which the owner had already,',
  'rogue-superseded': 'written by somebody past the proxy, which the owner had already,',
  'late-applied': 'written late were applied',
  'rogue-applied': 'written by somebody past the proxy were applied',
  overwritten: 'not as their owner took them to be were overwritten',
  corrected: 'were overwritten by corrections',
  copied: 'were overwritten by the copy of existing rows',
  orphaned: 'without what they refer to, which had been deleted on the other side, were taken away',
};

/** As long as more comes within this time, ms, it is one and the same batch. */
const BATCH_MS = 60_000;

/** Finds where a batch of rows that were overwritten, superseded or written late begins. */
export class CorrectionAlerts {
  /** What each cause stood at, and when it last grew. */
  readonly #known = new Map<string, { readonly rows: number; readonly grewAt: number }>();
  #looked = false;

  /**
   * The counts that must be told of at `now` (ms, monotonic). The first look tells of whatever nobody has looked at yet:
   * who was here before may not have got to it.
   */
  look(counts: readonly CauseCount[], now: number): CauseCount[] {
    const [known, isFirst] = [this.#known, !this.#looked];
    this.#looked = true;
    return counts.filter(({ direction, cause, rows, open, unexpected }) => {
      if (!SUSPECT.includes(cause)) return false;
      const name = `${direction} ${cause}`;
      const unknown = { rows: isFirst ? rows - unexpected - open : 0, grewAt: Number.NEGATIVE_INFINITY };
      const before = known.get(name) ?? unknown;
      if (rows <= before.rows) {
        known.set(name, { rows, grewAt: before.grewAt });
        return false;
      }
      known.set(name, { rows, grewAt: now });
      return now - before.grewAt > BATCH_MS;
    });
  }
}
