import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listening, tie } from './tie.ts';

const POLL_MS = 50;

/**
 * One address for several controls, as a load balancer with a health check gives it: connections go to the one that
 * says it is active, and nowhere while none does. Gives its stop.
 */
export async function relay(port: number, controls: readonly number[]): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  let active: number | undefined;
  const look = async () => {
    while (!stopping.signal.aborted) {
      const answers = await Promise.all(controls.map(isActive));
      active = controls.find((_, nth) => answers[nth]);
      await sleep(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const server = createServer((client) => {
    if (active === undefined) return void client.destroy();
    const control = connect(active, '127.0.0.1');
    tie(client, control, sockets);
    client.pipe(control).pipe(client);
  });
  await listening(server, port);
  const looking = look();
  return async () => {
    stopping.abort();
    await looking;
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}

/** True if the control on this port says that it holds the lease. */
export async function isActive(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(500) });
    return ((await answer.json()) as { active: boolean }).active;
  } catch {
    return false;
  }
}
