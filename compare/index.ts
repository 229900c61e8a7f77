export { BUDGET, type Budget, PATIENT } from './budget.ts';
export type { Case } from './case.ts';
export {
  type CompareOptions,
  compareReplies,
  isAgreed,
  RESULT_KINDS,
  type Result,
  type ResultKind,
  without,
} from './compare-replies.ts';
export { describeResult, groupByPath } from './describe.ts';
export type { Difference, DifferenceKind, Excused, Severity } from './difference.ts';
export { ExactNumber, type Json, parseJson } from './json.ts';
export { type Body, type Failure, type Reply, type ReplySource, readReply, toReply } from './reply.ts';
export { RuleSet, type RuleUse, ruleSet } from './rule-set.ts';
export { RULE_KINDS, type Rule, RuleError, validateRules } from './rules.ts';
export type { Asked } from './scope.ts';
export { suggestRule } from './suggest.ts';
export { type CaseReport, compareSuites, describeSuite, type SuiteOptions, type SuiteReport } from './suite.ts';
export type { Target } from './target.ts';
