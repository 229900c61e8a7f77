import { setTimeout as sleep } from 'node:timers/promises';
import type { CapabilityStatus, RollbackRequest, SetRequest } from '@strangler/plan';
import { at, PORTS, SECRETS } from '../rehearsal/addresses.ts';
import { readStatus } from '../rehearsal/watch.ts';

const RETRY_MS = 50;
const ASK_WITHIN_MS = 60_000;

/** Gives an order to control, again and again until one is there to take it. Throws what it refuses. */
async function order(capability: string, what: 'set' | 'rollback', body: SetRequest | RollbackRequest): Promise<void> {
  for (const until = Date.now() + ASK_WITHIN_MS; ; ) {
    const answer = await fetch(`${at(PORTS.control)}/capabilities/${capability}/${what}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRETS.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5_000),
    }).catch(() => undefined);
    if (answer?.ok) return;
    if ((answer && answer.status < 500) || Date.now() > until) {
      throw new Error(`control did not ${what} ${capability}: ${answer ? await answer.text() : 'it does not answer'}`);
    }
    await sleep(RETRY_MS);
  }
}

/** Wants a percentage of the users on the service. */
export const set = (capability: string, percentage: number): Promise<void> =>
  order(capability, 'set', { percentage, reason: 'fault suite' });

/** Wants everybody back; `now` without draining. */
export const rollback = (capability: string, now = false): Promise<void> =>
  order(capability, 'rollback', { now, reason: 'fault suite' });

/** What control says of a capability; undefined while none answers. */
export const look = (capability: string): Promise<CapabilityStatus | undefined> =>
  readStatus().then(
    ({ capabilities }) => capabilities.find((one) => one.capability === capability),
    () => undefined,
  );

/** Waits until a capability fulfils a condition. Throws after `within` ms, saying what it waited for and why in vain. */
export async function until(
  what: string,
  capability: string,
  within: number,
  fulfilled: (status: CapabilityStatus) => boolean,
): Promise<CapabilityStatus> {
  let last: CapabilityStatus | undefined;
  for (const deadline = Date.now() + within; ; ) {
    const status = await look(capability);
    if (status && fulfilled(status)) return status;
    last = status ?? last;
    if (Date.now() > deadline) {
      const { boundary, target, phase, ramp, gates } = last ?? {};
      const seen = last ? JSON.stringify({ boundary, target, phase, ramp, gates }) : 'no control answers';
      throw new Error(`${what} did not come within ${within / 1_000} s: ${seen}`);
    }
    await sleep(RETRY_MS);
  }
}

/** True when nobody moves and everybody is where they are wanted. */
export const atRest = ({ phase, boundary, target, ramp }: CapabilityStatus): boolean =>
  phase === 'idle' && boundary === target && ramp.state !== 'rolling-back' && ramp.state !== 'ramping';
