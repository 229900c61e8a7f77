import {
  auditRules,
  noiseIn,
  RESULT_KINDS,
  type Report,
  type ResultKind,
  tallyMistake,
  type UsedRule,
} from '@strangler/compare';
import type { Comparison } from '@strangler/plan';
import { Problem } from './problem.ts';

/** Pairs in its scope without which a rule is not called dead: live traffic may not show everything at once. */
const DEAD_AFTER = 1_000;

/** What only concerns who keeps the file is for `strangler rules lint`. */
const NOT_LIVE: ReadonlySet<string> = new Set(['unowned', 'endless']);

/** What was found beside live traffic, as the report a suite gives. Throws a Problem for what no control of ours says. */
export function reportOf({ replies, noise, again, rules }: Comparison, now: Date): Report {
  const mistake = tallyMistake(replies) ?? tallyMistake(noise);
  if (mistake !== undefined) throw new Problem(`what control has compared cannot be shown: ${mistake}`);
  const used = rules as readonly UsedRule[]; // control has validated them
  const sum = (kind: ResultKind) => replies.routes.reduce((total, { counts }) => total + counts[kind], 0);
  return {
    counts: Object.fromEntries(RESULT_KINDS.map((kind) => [kind, sum(kind)])) as Record<ResultKind, number>,
    tally: replies,
    findings: auditRules(used, { deadAfter: DEAD_AFTER, now }).filter(({ kind }) => !NOT_LIVE.has(kind)),
    noise: noiseIn(noise, again),
    rules: used,
  };
}
