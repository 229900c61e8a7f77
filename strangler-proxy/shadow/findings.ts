import type { Difference, Result } from '@strangler/compare';
import { groupByPath, redactor } from '@strangler/compare';
import type { Compared, Comparison, DifferenceGroup, DifferenceSample } from '@strangler/plan';

const SECRETS_OUT = redactor();
/** Bounds of what one message tells; counts are always whole. */
const MOST_GROUPS = 100;
const MOST_SAMPLES = 3;

type Group = Omit<DifferenceGroup, 'count' | 'samples'> & { count: number; samples: DifferenceSample[] };
type Route = {
  readonly capability: string;
  readonly route: string;
  readonly results: Partial<Record<Compared, number>>;
  readonly groups: Map<string, Group>;
};

/** Gathers results by route, kind and path, until they are told to control. */
export class Findings {
  #routes = new Map<string, Route>();

  /** Takes one result in; `target` is where it was found. */
  add(capability: string, route: string, target: string, { kind, differences }: Result): void {
    const of = this.#of(capability, route);
    of.results[kind] = (of.results[kind] ?? 0) + 1;
    if (kind !== 'mismatch') return;
    for (const [first, ...more] of groupByPath(differences)) this.#group(of, first!, 1 + more.length, target);
  }

  /** Everything since the last time, and begins again. */
  take(): Comparison[] {
    const taken = [...this.#routes.values()].map(({ capability, route, results, groups }) => {
      return { capability, route, results, differences: [...groups.values()] };
    });
    this.#routes = new Map();
    return taken;
  }

  #of(capability: string, route: string): Route {
    const key = `${capability} ${route}`;
    const known = this.#routes.get(key) ?? { capability, route, results: {}, groups: new Map() };
    this.#routes.set(key, known);
    return known;
  }

  #group({ groups }: Route, { kind, severity, path, at, old, new: newer }: Difference, count: number, target: string) {
    const key = `${kind} ${path}`;
    const group = groups.get(key) ?? { kind, severity, path, count: 0, samples: [] };
    if (!groups.has(key) && groups.size >= MOST_GROUPS) return;
    groups.set(key, group);
    group.count += count;
    if (group.samples.length >= MOST_SAMPLES) return;
    const [monolith, service] = [old, newer].map((value) => (value === undefined ? null : SECRETS_OUT.text(value)));
    group.samples.push({ target: SECRETS_OUT.url(target), at, monolith: monolith ?? null, service: service ?? null });
  }
}
