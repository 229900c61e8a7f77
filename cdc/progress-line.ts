import type { BackfillStatus } from '@strangler/plan';
import { sayDuration } from '@strangler/plan';

const count = new Intl.NumberFormat('en-US');

/** `orders: 12,000 / 56,902, 21 %, ETA 3 s`: how far the copy of a table is; `rate` in rows per second. */
export function sayBackfill({ table, done, total, finished }: BackfillStatus, rate: number): string {
  const share = total ? Math.min(100, Math.floor((done * 100) / total)) : 100;
  const left = Math.max(0, total - done) / Math.max(rate, 1);
  const rest = finished ? 'done' : `ETA ${sayDuration(Math.ceil(left) * 1_000)}`;
  return `${table}: ${count.format(done)} / ${count.format(total)}, ${share} %, ${rest}`;
}
