import type { Json } from '../reply/json.ts';
import { concretePath, memberStep, type Place, templatePath } from '../rules/path.ts';
import { type Difference, type Excused, SEVERITY, sampleOf, samplesOf } from './difference.ts';
import type { DifferenceVerdict } from './verdict.ts';

/** A container that knows its own paths once something was found in it. */
export interface Holder extends Place {
  readonly parent: Holder | undefined;
  paths: Paths | undefined;
}

interface Paths {
  /** With indexes as `[*]`. */
  readonly template: string;
  readonly concrete: string;
}

/** Below so many levels paths are abbreviated, and not worth being kept. */
const DEEP = 32;

/** What a walk has found so far, each with its paths. */
export class Findings {
  readonly #root: Paths;
  readonly #differences: Difference[] = [];
  readonly #excused = new Map<string, Excused & { count: number }>();

  /** `root` is what paths begin with: `$` or `headers`. */
  constructor(root: string) {
    this.#root = { template: root, concrete: root };
  }

  get differences(): readonly Difference[] {
    return this.#differences;
  }

  get excused(): readonly Excused[] {
    return [...this.#excused.values()];
  }

  /** Two values at `key` of `holder`, or at the root without one; counts what is excused, keeps what is not. */
  add(
    verdict: DifferenceVerdict,
    holder: Holder | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
  ): void {
    if (!verdict) return;
    const { kind, rule } = verdict;
    const { template, concrete } = this.#pathsAt(holder, key);
    if (!rule) {
      const [before, after] = samplesOf(old, newer);
      const severity = SEVERITY[kind];
      this.#differences.push({ kind, severity, path: template, at: concrete, old: before, new: after });
      return;
    }
    const what = `${rule.id} ${kind} ${template}`;
    const known = this.#excused.get(what);
    if (known) known.count++;
    else {
      const samples = { old: sampleOf(old), new: sampleOf(newer) };
      this.#excused.set(what, { rule: rule.id, kind, path: template, count: 1, ...samples });
    }
  }

  #pathsAt(holder: Holder | undefined, key: string | number): Paths {
    if (!holder) return this.#root;
    if (holder.depth > DEEP) {
      const place = { parent: holder, key, depth: holder.depth + 1 };
      const root = this.#root.template;
      return { template: templatePath(place, root), concrete: concretePath(place, root) };
    }
    holder.paths ??= this.#pathsAt(holder.parent, holder.key);
    const { template, concrete } = holder.paths;
    if (typeof key === 'number') return { template: `${template}[*]`, concrete: `${concrete}[${key}]` };
    const step = memberStep(key);
    return { template: template + step, concrete: concrete + step };
  }
}
