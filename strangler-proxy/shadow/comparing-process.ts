import { constants, getPriority, setPriority } from 'node:os';
import {
  compareReplies,
  type Result,
  type Rule,
  type RuleSet,
  redactor,
  redactResult,
  ruleSet,
  toReply,
  type UsedRule,
} from '@strangler/compare';
import type { ShadowReply } from './reply.ts';

/** One pair to compare. */
export type ReplyPair = {
  readonly id: number;
  readonly capability: string;
  readonly method: string;
  readonly path: string;
  readonly old: ShadowReply;
  readonly new: ShadowReply;
  /** Both are of the same side: what ids it maps to the other side’s says nothing here. */
  readonly self: boolean;
};
/** The rules of a capability are these from now on. */
export type NewRules = { readonly capability: string; readonly rules: readonly Rule[] };
/** Comes first: the rules of each capability. */
export type BeginComparing = { readonly begin: Readonly<Record<string, readonly Rule[]>> };
export type PairResult = { readonly id: number; readonly result: Result };
/** What the rules of each capability have excused since the last time. */
export type Used = { readonly used: Readonly<Record<string, readonly UsedRule[]>> };

/** How often the use of the rules is told, ms. */
const USE_MS = 1_000;
const LONGEST_PATH = 1_000;

/** One set of rules per capability, kept for as long as the process lives: ids once learned must hold. */
const lists = new Map<string, readonly Rule[]>();
const sets = new Map<string, RuleSet>();
const secretsOut = redactor();
const reply = (seen: ShadowReply) => ('error' in seen ? seen : toReply(seen));
const unused = new Set<string>();
/** If the proxy has gone, there is nobody to tell, and `disconnect` is about to end this process. */
const tell = (message: PairResult | Used) => process.send!(message, undefined, undefined, () => {});

setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL)); // requests go first
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); // it ends when the proxy does
process.on('disconnect', () => process.exit());
process.on('message', (message: BeginComparing | NewRules | ReplyPair) => {
  if ('begin' in message) for (const [capability, rules] of Object.entries(message.begin)) use(capability, rules);
  else if ('rules' in message) use(message.capability, message.rules);
  else compare(message);
});

function use(capability: string, rules: readonly Rule[]): void {
  lists.set(capability, rules);
  sets.set(capability, ruleSet(rules));
  unused.add(capability);
}

function compare({ id, capability, method, path, old, new: newer, self }: ReplyPair): void {
  const rules = self ? ruleSet(lists.get(capability)!) : sets.get(capability)!;
  const result = compareReplies(reply(old), reply(newer), rules, { asked: { method, path } });
  if (!self) unused.delete(capability);
  tell({ id, result: tellable(result) });
}

setInterval(() => {
  const used: Record<string, readonly UsedRule[]> = {};
  for (const [name, set] of sets) {
    if (unused.has(name) || !set.rules.length) continue;
    unused.add(name);
    used[name] = set.used;
    set.forgetUse();
  }
  if (Object.keys(used).length) tell({ used });
}, USE_MS).unref();

/** No secret leaves this process, and no path that fills a message. */
function tellable(result: Result): Result {
  const { differences, ...rest } = redactResult(result, secretsOut);
  return { ...rest, differences: differences.map((one) => ({ ...one, path: cut(one.path), at: cut(one.at) })) };
}

const cut = (path: string) => (path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path);
