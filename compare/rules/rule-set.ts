import { IdMap } from './id-map.ts';
import { type RuleState, rootState } from './rule-state.ts';
import { type Rule, validateRules } from './rules.ts';
import { type Asked, inScope } from './scope.ts';

/** How often a rule had the chance to excuse something, and what it excused. */
export interface RuleUse {
  /** Pairs of replies in its scope. */
  readonly pairs: number;
  /** Differences it excused. */
  readonly hits: number;
  /** `kind path` of what it excused → how often; at most 100. */
  readonly excused: ReadonlyMap<string, number>;
}

/** A rule and its use: plain data, survives JSON. */
export interface UsedRule extends Omit<RuleUse, 'excused'> {
  readonly rule: Rule;
  readonly excused: Readonly<Record<string, number>>;
}

/** The rules that count for one pair of replies. */
export interface RulesInScope {
  readonly body: RuleState;
  readonly headers: RuleState;
}

const MOST_EXCUSED = 100;

/**
 * Rules made ready, with what they have learned (ids) and how often each excused a difference. Use one set for a whole
 * suite or process, so that ids learned from one reply are enforced in the next. An expired rule excuses nothing.
 */
export class RuleSet {
  readonly rules: readonly Rule[];
  readonly ids = new IdMap();
  readonly #use: ReadonlyMap<string, { pairs: number; hits: number; excused: Map<string, number> }>;
  readonly #now: () => Date;
  readonly #states = new Map<string, RulesInScope & { readonly inScope: readonly Rule[] }>();

  constructor(rules: readonly Rule[], now: () => Date) {
    this.rules = validateRules(rules);
    this.#now = now;
    this.#use = new Map(rules.map(({ id }) => [id, { pairs: 0, hits: 0, excused: new Map() }]));
  }

  /** The rules for one pair of replies; counts that each had its chance. */
  counting(asked: Asked, oldStatus: number): RulesInScope {
    const today = dayOf(this.#now());
    const counts = (rule: Rule) => inScope(rule, asked, oldStatus) && !isExpired(rule, today);
    const key = this.rules.map((rule) => (counts(rule) ? '1' : '0')).join('');
    let found = this.#states.get(key);
    if (!found) {
      const rules = this.rules.filter((_, at) => key[at] === '1');
      found = { body: rootState(rules, '$'), headers: rootState(rules, 'headers'), inScope: rules };
      this.#states.set(key, found);
    }
    for (const { id } of found.inScope) this.#use.get(id)!.pairs++;
    return found;
  }

  /** Counts what a rule excused. */
  excused(rule: string, what: string, count: number): void {
    const use = this.#use.get(rule)!;
    use.hits += count;
    if (use.excused.has(what) || use.excused.size < MOST_EXCUSED) {
      use.excused.set(what, (use.excused.get(what) ?? 0) + count);
    }
  }

  /** Rule id → how often it had its chance, and what it excused. */
  get use(): ReadonlyMap<string, RuleUse> {
    return this.#use;
  }

  /** Rule id → how many differences it excused; 0 is a rule nobody needed. */
  get hits(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#use].map(([id, { hits }]) => [id, hits]));
  }

  /** Every rule with its use, as it is sent and kept. */
  get used(): UsedRule[] {
    return this.rules.map((rule) => {
      const { pairs, hits, excused } = this.#use.get(rule.id)!;
      return { rule, pairs, hits, excused: Object.fromEntries(excused) };
    });
  }

  /** Counts the use of every rule from 0 again; what was learned stays. */
  forgetUse(): void {
    for (const use of this.#use.values()) Object.assign(use, { pairs: 0, hits: 0, excused: new Map() });
  }

  /** The rules whose last day is over. */
  get expired(): readonly Rule[] {
    const today = dayOf(this.#now());
    return this.rules.filter((rule) => isExpired(rule, today));
  }
}

/** True after its last day. */
export const isExpired = ({ until }: Rule, today: string) => until !== undefined && until < today;
/** The day a moment belongs to, in UTC. */
export const dayOf = (date: Date) => date.toISOString().slice(0, 10);

/** Makes rules ready for use; throws a RuleError naming every mistake. A set that is ready already stays what it is. */
export function ruleSet(rules: RuleSet | readonly Rule[], now: () => Date = () => new Date()): RuleSet {
  return rules instanceof RuleSet ? rules : new RuleSet(rules, now);
}
