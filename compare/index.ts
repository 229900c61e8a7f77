export { BUDGET, type Budget, PATIENT } from './engine/budget.ts';
export {
  type CompareOptions,
  compareReplies,
  isAgreed,
  RESULT_KINDS,
  type Result,
  type ResultKind,
  UNRATED,
  without,
} from './engine/compare-replies.ts';
export type { Difference, DifferenceKind, Excused, Severity } from './engine/difference.ts';
export { auditRules, type RuleFinding } from './learn/audit.ts';
export { greatestRate, pairsNeeded } from './learn/evidence.ts';
export { type Noise, NoiseLearner, type NoiseRefusal, noiseIn } from './learn/noise.ts';
export { routeName } from './learn/route-name.ts';
export { type Hidden, type Proposal, propose, suggestRule, whatItHides } from './learn/suggest.ts';
export {
  type Compared,
  type DifferenceSample,
  type Group,
  groupId,
  OTHER_ROUTES,
  type RouteTally,
  Tally,
  type TallyOptions,
  type TallyReport,
} from './learn/tally.ts';
export { redactor } from './redact/redact.ts';
export type { Redaction, Redactor } from './redact/redaction.ts';
export { ExactNumber, type Json, parseJson, stringifyJson } from './reply/json.ts';
export { type Body, type Failure, type Reply, type ReplySource, readReply, toReply } from './reply/reply.ts';
export { describeResult } from './report/describe.ts';
export { htmlOf } from './report/html.ts';
export { junitOf } from './report/junit.ts';
export { markdownOf } from './report/markdown.ts';
export { OUTCOME_CODES, outcomeOf, type SuiteOutcome } from './report/outcome.ts';
export { countsOf, DIFFERENCE_PHRASES, distinct, REFUSAL_PHRASES, timesOf } from './report/phrases.ts';
export type { CaseReport, SuiteReport } from './report/report.ts';
export { type Report, redactReport, redactResult } from './report/report.ts';
export { reportMistake, tallyMistake } from './report/report-mistake.ts';
export { type MysqlToPostgres, mysqlToPostgres } from './rules/mysql-to-postgres.ts';
export { RuleSet, type RuleUse, ruleSet, type UsedRule } from './rules/rule-set.ts';
export { RULE_KINDS, type Rule, RuleError, validateRules } from './rules/rules.ts';
export type { Asked } from './rules/scope.ts';
export type { Case } from './suite/case.ts';
export { compareSuites, describeSuite, type SuiteOptions } from './suite/suite.ts';
export type { SuiteTarget } from './suite/target.ts';
