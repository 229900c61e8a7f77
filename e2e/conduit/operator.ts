import { setTimeout as sleep } from 'node:timers/promises';
import type { KeptEntry } from '@strangler/ledger';
import type { Cause } from '@strangler/plan';
import { sayEntry } from '../../cdc/quarantine/entry-name.ts';
import { list } from '../../cdc/quarantine/view.ts';
import { look, set } from '../faults/operator.ts';
import { strangler } from '../rehearsal/processes.ts';
import { say } from '../rehearsal/screen.ts';
import { readRecordsAfter } from '../rehearsal/watch.ts';
import { CAPABILITY } from './addresses.ts';
import { handoffsIn, whyKept } from './explained.ts';
import type { PlanInFile } from './plans.ts';

const EVERY_MS = 500;

/** Every row of both quarantines. */
const everyEntry = ({ plan }: PlanInFile): Promise<KeptEntry[]> =>
  list(plan, { capabilities: [CAPABILITY], status: undefined, user: undefined, cause: undefined });

/** What was kept and why, by cause; and what nobody can explain, in sentences. */
export async function readKept(plan: PlanInFile) {
  const [all, handoffs] = [await everyEntry(plan), handoffsIn(await readRecordsAfter(0))];
  const why = new Map<Cause, Set<string>>();
  const unexplained: string[] = [];
  for (const entry of all.filter(({ operation }) => operation === null)) {
    const reason = whyKept(entry, all, handoffs);
    if (reason) why.set(entry.cause, (why.get(entry.cause) ?? new Set()).add(reason));
    else {
      const { cause, table, key, stream, epoch, before, after, owner } = entry;
      unexplained.push(
        `${cause} of ${table} ${key} (${stream}, handoff ${epoch}): ${before} → ${after}, owner ${owner}`,
      );
    }
  }
  return { all, why, unexplained };
}

/**
 * An operator who looks at what was kept. What is explained is called expected; of what is open and explained the owner’s row
 * is taken: whoever writes one thing after the other has the newer one there. The rest is left, and the gate with it.
 */
export function startOperator(plan: PlanInFile, env: Record<string, string>): () => Promise<void> {
  const abort = new AbortController();
  const ask = (...args: string[]) =>
    strangler(['quarantine', ...args, '--reason', 'looked at it', '--plan', plan.file], env).catch(() => ''); // at the next look
  const watching = (async () => {
    for (; !abort.signal.aborted; await sleep(EVERY_MS, undefined, { signal: abort.signal }).catch(() => {})) {
      const status = await look(CAPABILITY);
      if (!status?.corrections.some(({ open, unexpected }) => open || unexpected)) continue;
      const kept = await readKept(plan).catch(() => undefined); // a database is away
      if (!kept || kept.unexplained.length) continue;
      for (const { stream, id, status: state } of kept.all) {
        if (state === 'open') await ask('resolve', sayEntry(stream, id), '--keep', 'owner');
      }
      await ask('expect', '--all', CAPABILITY);
    }
  })();
  return async () => {
    abort.abort();
    await watching;
  };
}

/** How long a move may take, kills and all, ms. */
const MOVED_WITHIN_MS = 600_000;

/** Moves users to a percentage, and says so again when the judge has taken everybody back and nothing is down any more. */
export async function moveTo(percent: number, signal: AbortSignal, isDown: () => boolean = () => false): Promise<void> {
  const boundary = percent * 100;
  await set(CAPABILITY, percent);
  for (const end = Date.now() + MOVED_WITHIN_MS; ; await sleep(EVERY_MS, undefined, { signal })) {
    const status = await look(CAPABILITY);
    if (status?.boundary === boundary && status.phase === 'idle' && status.target === boundary && !isDown()) return;
    if (status && status.target !== boundary && !isDown()) {
      say(`  everybody was taken back (${status.verdict.rule}: ${status.verdict.reason}); once more`);
      await set(CAPABILITY, percent).catch(() => {});
      await sleep(EVERY_MS);
    }
    if (Date.now() > end) {
      const { gates, waitsFor, ramp } = status ?? {};
      throw new Error(`users did not get to ${percent} %: ${JSON.stringify({ gates, waitsFor, ramp })}`);
    }
  }
}
