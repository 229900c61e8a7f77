import { isAgreed, RESULT_KINDS, type ResultKind } from '../engine/compare-replies.ts';
import { auditRules } from '../learn/audit.ts';
import { routeName } from '../learn/route-name.ts';
import { Tally } from '../learn/tally.ts';
import { type CaseReport, caseCount, type SuiteReport } from '../report/report.ts';
import type { RuleSet } from '../rules/rule-set.ts';

/** Cases shown one by one: so many that agree, and so many that do not. What is beyond is in counts and tally. */
const MOST_CASES = 10_000;

/** Takes compared cases as they come, and makes the report of them. */
export class CaseLog {
  readonly #rules: RuleSet;
  readonly #counts = Object.fromEntries(RESULT_KINDS.map((kind) => [kind, 0])) as Record<ResultKind, number>;
  readonly #tally = new Tally();
  readonly #cases: CaseReport[] = [];
  #agreed = 0;

  constructor(rules: RuleSet) {
    this.#rules = rules;
  }

  get counts(): Readonly<Record<ResultKind, number>> {
    return this.#counts;
  }

  add(one: CaseReport): void {
    const { name, method, path, result } = one;
    this.#counts[result.kind]++;
    this.#tally.add({ route: routeName(method, path), result, at: name });
    const agreed = isAgreed(result.kind);
    if (agreed) this.#agreed++;
    const alike = agreed ? this.#agreed : caseCount(this.#counts) - this.#agreed;
    if (alike <= MOST_CASES) this.#cases.push(one);
  }

  report(): SuiteReport {
    const count = caseCount(this.#counts);
    return {
      agreed: count > 0 && this.#agreed === count,
      counts: { ...this.#counts },
      cases: this.#cases,
      hits: this.#rules.hits,
      tally: this.#tally.report(),
      findings: auditRules(this.#rules),
    };
  }
}
