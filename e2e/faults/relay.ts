import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK = 50;

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
      await sleep(LOOK, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const server = createServer((client) => {
    if (active === undefined) return void client.destroy();
    const control = connect(active, '127.0.0.1');
    for (const [one, other] of [
      [client, control],
      [control, client],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
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
