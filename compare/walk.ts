import { type Difference, type DifferenceKind, SEVERITY, sampleOf } from './difference.ts';
import { Fingerprints, idText } from './fingerprint.ts';
import type { IdMap } from './id-map.ts';
import { type Json, type JsonObject, typeOf } from './json.ts';
import { formatOf, numericOf, sameLeaf, withinTolerance } from './leaf.ts';
import { type Pairing, pairByMark, pairByPosition } from './pairing.ts';
import { concretePath, type Place, templatePath } from './path.ts';
import { type RuleNode, ruleOf, stepInto } from './rule-set.ts';
import type { Rule } from './rules.ts';

/** How far a comparison goes before it gives up as truncated. */
export interface Budget {
  readonly depth: number;
  readonly nodes: number;
}
export const BUDGET: Budget = { depth: 100_000, nodes: 200_000 };

/** More than anybody reads: the walk stops here. */
const MAX_DIFFERENCES = 1000;

export interface Walked {
  readonly differences: readonly Difference[];
  /** Rule id → how many differences it excused. */
  readonly hits: ReadonlyMap<string, number>;
  /** Ids learned on the way; a draft, to be kept only if the replies agree. */
  readonly ids: IdMap;
  /** False if the budget ran out or there were too many differences to go on. */
  readonly complete: boolean;
}

export interface Scope {
  /** What paths begin with: `$` or `headers`. */
  readonly root: string;
  readonly rules: RuleNode;
  readonly ids: IdMap;
  readonly budget?: Budget;
}

/**
 * Compares two values place by place. First arrays are taken position by position, which is quick and finds whether
 * there is any difference; only if one lies in an array are elements recognised, to tell moved from changed.
 */
export function walk(old: Json, newer: Json, scope: Scope): Walked {
  const found = new Walk(scope, false).run(old, newer);
  if (!found.differences.some((difference) => difference.path.includes('[*]'))) return found;
  const explained = new Walk(scope, true).run(old, newer);
  return explained.differences.length > 0 ? explained : found;
}

/** Two values still to be compared; undefined is absent. */
interface Pair {
  readonly old: Json | undefined;
  readonly new: Json | undefined;
  readonly place: Place | undefined;
  readonly nodes: readonly RuleNode[];
  /** The ignore rule this lies inside of. */
  readonly ignored: Rule | undefined;
  /** The shape-only rule this lies inside of. */
  readonly shape: Rule | undefined;
}

class Walk {
  readonly #scope: Scope;
  readonly #budget: Budget;
  readonly #recognise: boolean;
  readonly #ids: IdMap;
  readonly #fingerprints: Fingerprints;
  readonly #differences: Difference[] = [];
  readonly #hits = new Map<string, number>();
  /** One entry per container on the way down: compares its next child, or returns false when there is none left. */
  readonly #stack: (() => boolean)[] = [];
  #nodes = 0;
  #complete = true;

  constructor(scope: Scope, recognise: boolean) {
    this.#scope = scope;
    this.#budget = scope.budget ?? BUDGET;
    this.#recognise = recognise;
    this.#ids = scope.ids.draft();
    this.#fingerprints = new Fingerprints(this.#ids);
  }

  run(old: Json, newer: Json): Walked {
    this.#compare(this.#pair(old, newer, undefined, [this.#scope.rules]));
    while (this.#stack.length > 0) {
      const [tooMuch, enough] = [this.#nodes > this.#budget.nodes, this.#differences.length >= MAX_DIFFERENCES];
      if (tooMuch || enough) this.#complete = false;
      if (!this.#complete) break;
      if (!this.#stack.at(-1)!()) this.#stack.pop();
    }
    return { differences: this.#differences, hits: this.#hits, ids: this.#ids, complete: this.#complete };
  }

  #pair(
    old: Json | undefined,
    newer: Json | undefined,
    place: Place | undefined,
    nodes: readonly RuleNode[],
    outer?: Pair,
  ): Pair {
    const ignored = outer?.ignored ?? ruleOf(nodes, 'ignore');
    const shape = outer?.shape ?? ruleOf(nodes, 'shape-only');
    return { old, new: newer, place, nodes, ignored, shape };
  }

  #compare(pair: Pair): void {
    this.#nodes++;
    if (pair.old === undefined || pair.new === undefined) {
      this.#compareAbsent(pair);
      return;
    }
    const numeric = ruleOf(pair.nodes, 'numeric-string-is-number');
    const [old, newer] = numeric ? asNumbers(pair.old, pair.new) : [pair.old, pair.new];
    const type = typeOf(old);
    if (type !== typeOf(newer)) this.#report('type', pair);
    else if (type === 'array') this.#compareArrays(pair, old as readonly Json[], newer as readonly Json[]);
    else if (type === 'object') this.#compareObjects(pair, old as JsonObject, newer as JsonObject);
    else if (this.#compareLeaves(pair, old, newer) && numeric && !sameLeaf(pair.old, pair.new)) this.#credit(numeric);
  }

  #compareAbsent(pair: Pair): void {
    const nullIsAbsent = ruleOf(pair.nodes, 'null-is-absent');
    const onlyNull = typeof pair.place?.key === 'string' && (pair.old === null || pair.new === null);
    if (nullIsAbsent && onlyNull) this.#credit(nullIsAbsent);
    else this.#report(pair.old === undefined ? 'extra' : 'missing', pair);
  }

  /** True if they agree, by themselves or by a rule. */
  #compareLeaves(pair: Pair, old: Json, newer: Json): boolean {
    const same = sameLeaf(old, newer);
    const idMap = pair.ignored ? undefined : ruleOf(pair.nodes, 'id-map');
    if (idMap) {
      const corresponds = this.#ids.corresponds(idMap.map, idText(old), idText(newer));
      if (!corresponds) this.#report('value', pair);
      else if (!same) this.#credit(idMap);
      return corresponds;
    }
    if (same) return true;
    const tolerance = ruleOf(pair.nodes, 'tolerance');
    if (tolerance && withinTolerance(old, newer, tolerance)) return this.#credit(tolerance);
    if (!pair.shape) return this.#report('value', pair);
    if (typeof old === 'string' && formatOf(old) !== formatOf(newer as string)) return this.#report('format', pair);
    return this.#credit(pair.shape);
  }

  #compareObjects(pair: Pair, old: JsonObject, newer: JsonObject): void {
    const names = Object.keys(old);
    for (const name of Object.keys(newer)) if (!Object.hasOwn(old, name)) names.push(name);
    let next = 0;
    this.#stack.push(() => {
      const name = names[next++];
      if (name === undefined) return false;
      this.#descend(pair, name, memberOf(old, name), memberOf(newer, name));
      return true;
    });
  }

  #compareArrays(pair: Pair, old: readonly Json[], newer: readonly Json[]): void {
    const { pairs, moved } = this.#pairing(pair, old, newer);
    if (moved) {
      const unordered = ruleOf(pair.nodes, 'unordered') ?? pair.shape;
      if (unordered) this.#credit(unordered);
      else this.#report('order', pair);
    }
    let next = 0;
    this.#stack.push(() => {
      const indexes = pairs[next++];
      if (indexes === undefined) return false;
      const [oldIndex, newIndex] = indexes;
      if (pair.shape && (oldIndex === undefined || newIndex === undefined)) this.#credit(pair.shape);
      else this.#descend(pair, (oldIndex ?? newIndex)!, elementOf(old, oldIndex), elementOf(newer, newIndex));
      return true;
    });
  }

  #pairing(pair: Pair, old: readonly Json[], newer: readonly Json[]): Pairing {
    if (pair.ignored || pair.shape) return pairByPosition(old.length, newer.length);
    const keyed = ruleOf(pair.nodes, 'keyed-by');
    if (keyed) {
      const marks = (elements: readonly Json[], side: 'old' | 'new') =>
        elements.map((element, index) => this.#keyOf(element, keyed.key, side, stepInto(pair.nodes, index)));
      return pairByMark(marks(old, 'old'), marks(newer, 'new'), true);
    }
    if (!this.#recognise && !ruleOf(pair.nodes, 'unordered')) return pairByPosition(old.length, newer.length);
    const marks = (elements: readonly Json[], side: 'old' | 'new') =>
      elements.map((element, index) => this.#fingerprints.of(element, side, stepInto(pair.nodes, index)));
    return pairByMark(marks(old, 'old'), marks(newer, 'new'), false);
  }

  #keyOf(element: Json, key: string, side: 'old' | 'new', nodes: readonly RuleNode[]): string | undefined {
    if (typeOf(element) !== 'object' || !Object.hasOwn(element as JsonObject, key)) return undefined;
    const id = idText((element as JsonObject)[key]!);
    const idMap = ruleOf(stepInto(nodes, key), 'id-map');
    if (!idMap) return `is ${id}`;
    const known = side === 'old' ? this.#ids.newFor(idMap.map, id) : this.#ids.oldFor(idMap.map, id) && id;
    return known === undefined ? 'not known yet' : `is ${known}`;
  }

  #descend(pair: Pair, key: string | number, old: Json | undefined, newer: Json | undefined): void {
    const nodes = stepInto(pair.nodes, key);
    if (nodes.length === 0 && old === newer && typeof old !== 'object') {
      this.#nodes++;
      return;
    }
    const depth = (pair.place?.depth ?? 0) + 1;
    if (depth > this.#budget.depth) {
      this.#complete = false;
      return;
    }
    this.#compare(this.#pair(old, newer, { parent: pair.place, key, depth }, nodes, pair));
  }

  #credit(rule: Rule): true {
    this.#hits.set(rule.id, (this.#hits.get(rule.id) ?? 0) + 1);
    return true;
  }

  #report(kind: DifferenceKind, pair: Pair): boolean {
    if (pair.ignored) return this.#credit(pair.ignored);
    const { root } = this.#scope;
    this.#differences.push({
      kind,
      severity: SEVERITY[kind],
      path: templatePath(pair.place, root),
      at: concretePath(pair.place, root),
      old: sampleOf(pair.old),
      new: sampleOf(pair.new),
    });
    return false;
  }
}

const memberOf = (members: JsonObject, name: string) => (Object.hasOwn(members, name) ? members[name] : undefined);
const elementOf = (elements: readonly Json[], index: number | undefined) =>
  index === undefined ? undefined : elements[index];

/** Both as numbers if both can be read as such, else as they are. */
function asNumbers(old: Json, newer: Json): readonly [Json, Json] {
  const [a, b] = [numericOf(old) as Json, numericOf(newer) as Json];
  return typeOf(a) === 'number' && typeOf(b) === 'number' ? [a, b] : [old, newer];
}
