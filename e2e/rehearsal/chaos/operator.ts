import { setTimeout as sleep } from 'node:timers/promises';
import { at, PORTS, SECRETS } from '../addresses.ts';
import type { LiveTraffic } from '../traffic.ts';
import { readStatus } from '../watch.ts';

/** Which percentage the operator wants of a capability, from which share of the purchases on. */
const WISHES = [
  { from: 0.02, capability: 'notifications', percent: 10 },
  { from: 0.04, capability: 'notifications', percent: 50 },
  { from: 0.06, capability: 'notifications', percent: 100 },
  { from: 0.08, capability: 'orders', percent: 10 },
  { from: 0.16, capability: 'orders', percent: 25 },
  { from: 0.25, capability: 'orders', percent: 50 },
  { from: 0.4, capability: 'orders', percent: 75 },
  { from: 0.5, capability: 'orders', percent: 100 },
  { from: 0.62, capability: 'orders', percent: 0 },
  { from: 0.72, capability: 'orders', percent: 100 },
] as const;

const POLL_MS = 250;

/** What the operator wants by now, per capability: the newest wish. */
export function wishesAt(share: number): Map<string, number> {
  return new Map(WISHES.filter(({ from }) => from <= share).map(({ capability, percent }) => [capability, percent]));
}

/**
 * Keeps moving users where they are wanted, all day: says so again when control was dead, and when the judge has taken
 * everybody back, as soon as nothing bleeds any more. Resolves when everybody is where the last wish wants them.
 */
export async function operate(traffic: LiveTraffic, bleeding: () => boolean, signal: AbortSignal): Promise<void> {
  let said = new Map<string, number>();
  for (;;) {
    signal.throwIfAborted();
    const wishes = wishesAt(traffic.share());
    const status = await readStatus().catch(() => undefined); // control is dead; the next look will tell
    const there = [...wishes].filter(([name, percent]) =>
      status?.capabilities.some(
        ({ capability, boundary, phase }) => capability === name && boundary === percent * 100 && phase === 'idle',
      ),
    );
    if (traffic.share() === 1 && there.length === wishes.size) return;
    for (const [name, percent] of wishes) {
      const { target } = status?.capabilities.find(({ capability }) => capability === name) ?? {};
      const rolledBack = target !== undefined && target !== percent * 100 && !bleeding();
      if (said.get(name) === percent && !rolledBack) continue;
      if (await wish(name, percent)) said = new Map(said).set(name, percent);
    }
    await sleep(POLL_MS);
  }
}

/** Tells control what is wanted; false if it did not take it. */
async function wish(capability: string, percentage: number): Promise<boolean> {
  const answer = await fetch(`${at(PORTS.control)}/capabilities/${capability}/set`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRETS.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ percentage, reason: 'chaos rehearsal' }),
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined); // control is dead
  return answer?.ok === true;
}
