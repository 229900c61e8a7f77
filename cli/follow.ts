import { setTimeout as wait } from 'node:timers/promises';
import { sayDuration } from '@strangler/plan';
import { type AdminClient, Unreachable } from './admin-client.ts';
import { onInterrupt } from './interrupt.ts';
import { liveLine } from './live-line.ts';
import { sayBoundary } from './percent.ts';
import { EXIT, Problem } from './problem.ts';
import { type Goal, progressOf, renderProgress } from './progress.ts';

/** How often control is asked, in ms. */
const POLL_MS = 200;
/** Control may be silent for so many ms (a restart, a standby taking over) before watching ends. */
const SILENCE_MS = 30_000;
/** Control answers a request before it acts on it; that must not take longer than so many ms. */
const TAKEN_TIMEOUT_MS = 10_000;

const HOW_TO_STOP: Record<Goal['kind'], (capability: string) => string> = {
  ramp: (capability) => `Stop it with: strangler ramp pause ${capability}`,
  set: (capability) =>
    `Take it back with: strangler rollback ${capability}, or send users elsewhere with another strangler set`,
  rollback: (capability) => `See how far it is with: strangler status (${capability})`,
};

/**
 * Waits, showing progress, until the boundary is at the goal; `began` is when it was asked for, in ms of the monotonic
 * clock. Throws a Problem when it will not get there.
 */
export async function follow(client: AdminClient, capability: string, goal: Goal, began: number): Promise<void> {
  const line = liveLine(process.stdout);
  const { signal, release } = onInterrupt();
  let heardAt = performance.now();
  let taken = false;
  try {
    while (!signal.aborted) {
      const now = performance.now();
      try {
        const one = await client.capability(capability);
        heardAt = now;
        const progress = progressOf(one, goal, taken);
        if (progress.state === 'done') {
          line.clear();
          console.log(
            `${capability}: ${sayBoundary(goal.boundary)} of users are on the service (${sayDuration(now - began)})`,
          );
          return;
        }
        if (progress.state === 'failed')
          throw new Problem(`${capability} did not get to ${sayBoundary(goal.boundary)}: ${progress.reason}`);
        taken = progress.taken;
        if (!taken && now - began > TAKEN_TIMEOUT_MS) {
          throw new Problem(
            `control accepted it but goes to ${sayBoundary(one.target)}; see strangler status and strangler records`,
          );
        }
        const text = renderProgress(one, goal, progress.what, Math.round((now - began) / 1_000));
        line.show(text, `${Math.floor(one.boundary / 1_000)} ${progress.what.replace(/[\d.]+/g, '')}`);
      } catch (error) {
        if (!(error instanceof Unreachable) || now - heardAt > SILENCE_MS) throw error;
        line.show(`${capability}: control does not answer, trying again`, 'silent');
      }
      await wait(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    throw new Problem(`stopped watching; the move goes on. ${HOW_TO_STOP[goal.kind](capability)}`, EXIT.interrupted);
  } catch (error) {
    line.clear();
    throw error;
  } finally {
    release();
  }
}

/** Waits until a user is settled on a side and nobody moves them. Throws a Problem when watching is stopped. */
export async function followUser(
  client: AdminClient,
  capability: string,
  user: string,
  side: 'monolith' | 'service' | 'none',
) {
  const line = liveLine(process.stdout);
  const { signal, release } = onInterrupt();
  const began = performance.now();
  try {
    while (!signal.aborted) {
      const owner = await client.owner(capability, user);
      const { boundary } = await client.capability(capability);
      const wanted = side === 'none' ? (owner.bucket < boundary ? 'service' : 'monolith') : side;
      if (owner.side === wanted && !owner.moving) {
        line.clear();
        return owner;
      }
      line.show(
        `${capability}: user ${user} is on the ${owner.side}, on the way to the ${wanted}  ${Math.round((performance.now() - began) / 1_000)} s`,
        owner.side,
      );
      await wait(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    throw new Problem(`stopped watching; the move of user ${user} goes on`, EXIT.interrupted);
  } finally {
    line.clear();
    release();
  }
}
