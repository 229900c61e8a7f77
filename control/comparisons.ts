import { auditRules, greatestRate, pairsNeeded, type Rule, Tally, type UsedRule } from '@strangler/compare';
import type { Comparison } from '@strangler/plan';

/** Bounds of what is remembered; counts are always whole. */
const BOUNDS = { groups: 500, samples: 5, routes: 500 };
const MOST_RULES = 1_000;
const MOST_EXCUSED = 100;
/** Routes with too few comparisons that are named each. */
const MOST_SAID = 10;

/** What comparing the replies of one capability has come to since control began or was told to forget. */
export class Comparisons {
  #replies = new Tally(BOUNDS);
  #noise = new Tally(BOUNDS);
  #again = new Set<string>();
  #rules = new Map<string, UsedRule>();

  /** Takes in what a proxy found. */
  add({ replies, noise, again, rules }: Comparison): void {
    this.#replies.merge(replies);
    this.#noise.merge(noise);
    for (const id of again) if (this.#again.size < BOUNDS.groups) this.#again.add(id);
    for (const { rule, ...use } of rules) this.#use({ rule: rule as Rule, ...use });
  }

  /** Begins again: the service, or the rules, are others now. */
  forget(): void {
    this.#replies = new Tally(BOUNDS);
    this.#noise = new Tally(BOUNDS);
    this.#again = new Set();
    this.#rules = new Map();
  }

  /** Everything known, the routes that differ most first. */
  get found(): Omit<Comparison, 'capability'> {
    const { routes, ...rest } = this.#replies.report();
    const sorted = routes.toSorted((a, b) => b.mismatches - a.mismatches || a.route.localeCompare(b.route));
    return {
      replies: { ...rest, routes: sorted },
      noise: this.#noise.report(),
      again: [...this.#again],
      rules: [...this.#rules.values()],
    };
  }

  /** What keeps users from moving forward, as sentences: every route must differ less than `limit` (0…1), for sure. */
  gates(limit: number): string[] {
    const { routes } = this.#replies;
    if (!routes.length) return ['no replies have been compared yet'];
    const noisier = auditRules([...this.#rules.values()]).filter(({ kind }) => kind === 'noisier');
    const uncertain: string[] = [];
    const gates = [
      ...routes.flatMap(({ route, mismatches: differing, comparable: compared }) => {
        if (differing > compared * limit) {
          return `${route}: ${differing} of ${compared} replies differ, above ${sayShare(limit)}`;
        }
        if (greatestRate(differing, compared) <= limit) return [];
        const sure = `to be sure of less than ${sayShare(limit)}`;
        if (!differing) {
          uncertain.push(`${route}: ${compared} of the ${pairsNeeded(limit)} comparisons it takes ${sure}`);
          return [];
        }
        return `${route}: ${differing} of ${compared} replies differ; it takes more of them ${sure}`;
      }),
      ...noisier.map(({ rule, message }) => `rule ${rule} ${message}`),
    ];
    if (uncertain.length <= MOST_SAID) return [...uncertain, ...gates];
    const more = `and ${uncertain.length - MOST_SAID} more routes with too few comparisons`;
    const advice = 'if these are one route, name what varies among the Plan’s routes, such as GET /articles/:slug';
    return [...uncertain.slice(0, MOST_SAID), `${more}; ${advice}`, ...gates];
  }

  /** Of a rule that has been rewritten nothing is known yet. */
  #use(used: UsedRule): void {
    const { id } = used.rule;
    const known = this.#rules.get(id);
    if (!known && this.#rules.size >= MOST_RULES) return;
    if (!known || JSON.stringify(known.rule) !== JSON.stringify(used.rule)) {
      this.#rules.set(id, used);
      return;
    }
    const excused = new Map(Object.entries(known.excused));
    for (const [what, count] of Object.entries(used.excused)) {
      if (excused.has(what) || excused.size < MOST_EXCUSED) excused.set(what, (excused.get(what) ?? 0) + count);
    }
    const [pairs, hits] = [known.pairs + used.pairs, known.hits + used.hits];
    this.#rules.set(id, { rule: used.rule, pairs, hits, excused: Object.fromEntries(excused) });
  }
}

const sayShare = (share: number): string => `${Number((share * 100).toFixed(4))} %`;
