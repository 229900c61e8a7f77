export { compareReplies, type Result, type ResultKind } from './compare-replies.ts';
export { describeResult, groupByPath } from './describe.ts';
export type { Difference, DifferenceKind, Severity } from './difference.ts';
export { ExactNumber, type Json, parseJson } from './json.ts';
export { type Body, type Failure, type Reply, type ReplySource, readReply, toReply } from './reply.ts';
export { type RuleSet, ruleSet } from './rule-set.ts';
export { type Rule, RuleError, validateRules } from './rules.ts';
export { suggestRule } from './suggest.ts';
