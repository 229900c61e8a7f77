import type { Processes } from './programs.ts';
import { show } from './screen.ts';
import { waitForStatus } from './watch.ts';

const BACKFILL_WITHIN_MS = 180_000;

/** Starts cdc, control and the proxies and waits for the end of the backfill. Gives the rows copied. */
export async function startToolkit({ cdc, control, proxies }: Processes): Promise<number> {
  await Promise.all([cdc.start(), control.start()]);
  await Promise.all(proxies.map((proxy) => proxy.start()));
  const status = await waitForStatus('the backfill', BACKFILL_WITHIN_MS, ({ capabilities }) => {
    const tables = capabilities.flatMap(({ backfill }) => backfill);
    const done = tables.reduce((sum, table) => sum + table.done, 0);
    const total = tables.reduce((sum, table) => sum + table.total, 0);
    show(`… ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows copied`);
    return capabilities.every(
      ({ backfill, streams }) =>
        backfill.length > 0 &&
        backfill.every(({ finished }) => finished) &&
        streams.every(({ state }) => state === 'running'),
    );
  });
  return status.capabilities.flatMap(({ backfill }) => backfill).reduce((sum, { done }) => sum + done, 0);
}
