import { parentPort, workerData } from 'node:worker_threads';
import {
  compareReplies,
  type Result,
  type Rule,
  redactor,
  redactResult,
  ruleSet,
  toReply,
  type UsedRule,
} from '@strangler/compare';
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
/** The rules of a capability are these from now on. */
export type NewRules = { readonly capability: string; readonly rules: readonly Rule[] };
/** Nothing comes after what is here already. */
export type End = { readonly end: true };
export type Verdict = { readonly id: number; readonly result: Result };
/** What the rules of each capability have excused since the last time. */
export type Used = { readonly used: Readonly<Record<string, readonly UsedRule[]>> };

/** How often the use of the rules is told, ms. */
const USE_EVERY = 1_000;
const LONGEST_PATH = 1_000;

/** One set of rules per capability, kept for as long as the thread lives: ids once learned must hold. */
const lists = new Map(Object.entries(workerData as Record<string, readonly Rule[]>));
const sets = new Map([...lists].map(([name, list]) => [name, ruleSet(list)]));
const secretsOut = redactor();
const reply = (seen: Seen) => ('error' in seen ? seen : toReply(seen));
const unused = new Set(sets.keys());

parentPort!.on('message', (message: Pair | NewRules | End) => {
  if ('end' in message) parentPort!.close();
  else if ('rules' in message) {
    lists.set(message.capability, message.rules);
    sets.set(message.capability, ruleSet(message.rules));
  } else compare(message);
});

function compare({ id, capability, method, path, old, new: newer, self }: Pair): void {
  const rules = self ? ruleSet(lists.get(capability)!) : sets.get(capability)!;
  const result = compareReplies(reply(old), reply(newer), rules, { asked: { method, path } });
  if (!self) unused.delete(capability);
  parentPort!.postMessage({ id, result: tellable(result) } satisfies Verdict);
}

setInterval(() => {
  const used: Record<string, readonly UsedRule[]> = {};
  for (const [name, set] of sets) {
    if (unused.has(name) || !set.rules.length) continue;
    unused.add(name);
    used[name] = set.used;
    set.forgetUse();
  }
  if (Object.keys(used).length) parentPort!.postMessage({ used } satisfies Used);
}, USE_EVERY).unref();

/** No secret leaves this thread, and no path that fills a message. */
function tellable(result: Result): Result {
  const { differences, ...rest } = redactResult(result, secretsOut);
  return { ...rest, differences: differences.map((one) => ({ ...one, path: cut(one.path), at: cut(one.at) })) };
}

const cut = (path: string) => (path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path);
