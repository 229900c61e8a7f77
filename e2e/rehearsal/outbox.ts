import { setTimeout as sleep } from 'node:timers/promises';
import { outboxConnector } from '@example/orders';
import type { Servers } from '@strangler/servers';
import { DATABASES } from './addresses.ts';
import { OUTBOX } from './programs.ts';

const POLL_MS = 1_000;
const ANSWER_WITHIN_MS = 15_000;

/**
 * Creates the connector that publishes the orders service’s events, and starts its task again when it has failed: it
 * is the service’s own, so cdc does not look after it. Gives the stop of that. Throws if Connect refuses it.
 */
export async function announceOrders({ postgres, connect }: Servers): Promise<() => Promise<void>> {
  const { host, port, user, password } = postgres;
  const wanted = outboxConnector(OUTBOX, { host, port, user, password, database: DATABASES.orders });
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${connect.url}/connectors${path}`, {
      ...init,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  const posted = await call('', { method: 'POST', body: JSON.stringify(wanted) });
  if (!posted.ok) throw new Error(`Connect refused the outbox connector: ${await posted.text()}`);
  const abort = new AbortController();
  const look = async () => {
    const status = await (await call(`/${wanted.name}/status`)).text();
    if (status.includes('"FAILED"'))
      await call(`/${wanted.name}/restart?includeTasks=true&onlyFailed=true`, { method: 'POST' });
  };
  const looking = (async () => {
    while (!abort.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: abort.signal }).catch(() => {});
      if (!abort.signal.aborted) await look().catch(() => {}); // Connect is away; the next look will tell
    }
  })();
  return async () => {
    abort.abort();
    await looking;
  };
}
