import { greatestRate, pairsNeeded } from '@strangler/compare';
import type { Compared, ComparedRoute, Comparison, DifferenceGroup } from '@strangler/plan';

/** Bounds of what is remembered; counts are always whole. */
const MOST_ROUTES = 500;
const MOST_GROUPS = 200;
const MOST_SAMPLES = 5;

type Group = Omit<DifferenceGroup, 'count' | 'samples'> & { count: number; samples: DifferenceGroup['samples'] };
type Route = { readonly results: Partial<Record<Compared, number>>; readonly groups: Map<string, Group> };

/** What comparing the replies of one capability has come to, by route, since control began or was told to forget. */
export class Comparisons {
  #routes = new Map<string, Route>();

  /** Takes in what a proxy found. */
  add({ route, results, differences }: Comparison): void {
    const known = this.#routes.get(route) ?? { results: {}, groups: new Map<string, Group>() };
    if (!this.#routes.has(route) && this.#routes.size >= MOST_ROUTES) return;
    this.#routes.set(route, known);
    for (const [kind, count] of Object.entries(results) as [Compared, number][]) {
      known.results[kind] = (known.results[kind] ?? 0) + count;
    }
    for (const found of differences) {
      const key = `${found.kind} ${found.path}`;
      const group = known.groups.get(key) ?? { ...found, count: 0, samples: [] };
      if (!known.groups.has(key) && known.groups.size >= MOST_GROUPS) continue;
      known.groups.set(key, group);
      group.count += found.count;
      group.samples = [...group.samples, ...found.samples].slice(0, MOST_SAMPLES);
    }
  }

  /** Begins again: the service, or the rules, are others now. */
  forget(): void {
    this.#routes = new Map();
  }

  /** Everything known, the routes that differ most first. */
  get routes(): ComparedRoute[] {
    return [...this.#routes]
      .map(([route, { results, groups }]) => {
        const differences = [...groups.values()].toSorted((a, b) => b.count - a.count);
        return { route, results, differences };
      })
      .toSorted((a, b) => (b.results.mismatch ?? 0) - (a.results.mismatch ?? 0) || a.route.localeCompare(b.route));
  }

  /** What keeps users from moving forward, as sentences: every route must differ less than `limit` (0…1), for sure. */
  gates(limit: number): string[] {
    if (!this.#routes.size) return ['no replies have been compared yet'];
    return this.routes.flatMap(({ route, results }) => {
      const differing = results.mismatch ?? 0;
      const compared = differing + (results.equal ?? 0) + (results['equal-by-rule'] ?? 0);
      if (differing > compared * limit) {
        return `${route}: ${differing} of ${compared} replies differ, above ${sayShare(limit)}`;
      }
      if (greatestRate(differing, compared) <= limit) return [];
      const sure = `to be sure of less than ${sayShare(limit)}`;
      if (!differing) return `${route}: ${compared} of the ${pairsNeeded(limit)} comparisons it takes ${sure}`;
      return `${route}: ${differing} of ${compared} replies differ; it takes more of them ${sure}`;
    });
  }
}

const sayShare = (share: number): string => `${Number((share * 100).toFixed(4))} %`;
