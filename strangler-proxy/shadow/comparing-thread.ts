import { parentPort, workerData } from 'node:worker_threads';
import { compareReplies, type Result, type Rule, ruleSet, toReply } from '@strangler/compare';
import type { Seen } from './reply.ts';

/** One pair to compare. */
export type Pair = {
  readonly id: number;
  readonly capability: string;
  readonly method: string;
  readonly path: string;
  readonly old: Seen;
  readonly new: Seen;
  /** Both are of the same side: what ids it maps to the other side’s says nothing here. */
  readonly self: boolean;
};
export type Verdict = { readonly id: number; readonly result: Result };

/** One set of rules per capability, kept for as long as the thread lives: ids once learned must hold. */
const lists = new Map(Object.entries(workerData as Record<string, readonly Rule[]>));
const sets = new Map([...lists].map(([name, list]) => [name, ruleSet(list)]));
const reply = (seen: Seen) => ('error' in seen ? seen : toReply(seen));

parentPort!.on('message', ({ id, capability, method, path, old, new: newer, self }: Pair) => {
  const rules = self ? ruleSet(lists.get(capability)!) : sets.get(capability)!;
  const result = compareReplies(reply(old), reply(newer), rules, { asked: { method, path } });
  parentPort!.postMessage({ id, result } satisfies Verdict);
});
