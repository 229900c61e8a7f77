import { servers as readServers } from '@strangler/servers';
import { type Prepared, type Stack, startStack } from '../../e2e/faults/stack.ts';
import { stopLeftovers } from '../../e2e/rehearsal/processes.ts';
import { say } from '../screen.ts';

/** Lets `work` have a house of its own on the shared servers, where nothing else may run meanwhile; `inPlan` is merged into the Plan’s capability `orders`. */
export async function inHouse<T>(
  inPlan: Prepared['inPlan'] & object,
  signal: AbortSignal,
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const servers = await readServers();
  await stopLeftovers();
  say('starting the house: monolith, services, two proxies, two controls, cdc');
  const stack = await startStack(servers, { history: 500, inPlan });
  const stop = () => void stack.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    return await work(stack);
  } finally {
    signal.removeEventListener('abort', stop);
    await stack.stop();
  }
}
