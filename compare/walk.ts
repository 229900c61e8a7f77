import { type Budget, Meter } from './budget.ts';
import { sortedByCollation } from './collation.ts';
import { type Difference, type DifferenceKind, type Excused, SEVERITY, sampleOf, samplesOf } from './difference.ts';
import { type Container, Differing } from './differing.ts';
import { Fingerprints, idText, type Side } from './fingerprint.ts';
import type { IdMap } from './id-map.ts';
import { isContainer, type Json, type JsonObject, typeOf } from './json.ts';
import { agreementOf, sameLeaf } from './leaf.ts';
import { inOldOrder, isMoved, isMovedAmong, type Pair, pairByMark } from './pairing.ts';
import { concretePath, type Place, templatePath, templateStep } from './path.ts';
import { recognise } from './recognise.ts';
import { type RuleState, renamedFrom } from './rule-state.ts';
import type { Rule, RuleOf } from './rules.ts';

/** More than anybody reads: the walk stops here. */
const MAX_DIFFERENCES = 1000;

export interface Walked {
  readonly differences: readonly Difference[];
  readonly excused: readonly Excused[];
  /** Ids learned on the way; a draft, to be kept only if the replies agree. */
  readonly ids: IdMap;
  /** False if the budget ran out or there were too many differences to go on. */
  readonly complete: boolean;
}

export interface Scope {
  /** What paths begin with: `$` or `headers`. */
  readonly root: string;
  readonly state: RuleState;
  readonly ids: IdMap;
  readonly budget: Budget;
  /** In milliseconds. */
  readonly clock?: () => number;
}

/**
 * Compares two values place by place: one quick look finds what differs at all, then the walk goes there alone, asks
 * the rules, and in arrays recognises elements to tell moved from changed.
 */
export function walk(old: Json, newer: Json, scope: Scope): Walked {
  return new Walk(scope).run(old, newer);
}

/** Two containers on the way down, and what is left to do in them. */
interface Frame extends Place {
  readonly parent: Frame | undefined;
  readonly old: Container;
  readonly new: Container;
  readonly state: RuleState;
  /** The ignore rule this lies inside of. */
  readonly ignored: Rule | undefined;
  /** The shape-only rule this lies inside of. */
  readonly shape: RuleOf<'shape-only'> | undefined;
  /** Compares its next child, or returns false when there is none left. */
  step: () => boolean;
  /** Its path with `[*]`, once somebody has asked. */
  template: string | undefined;
}

class Walk {
  readonly #scope: Scope;
  readonly #looking: Meter;
  readonly #explaining: Meter;
  readonly #ids: IdMap;
  readonly #differing = new Differing();
  readonly #fingerprints: Fingerprints;
  readonly #differences: Difference[] = [];
  readonly #excused = new Map<string, Excused & { count: number }>();
  #top: Frame | undefined;
  #complete = true;

  constructor(scope: Scope) {
    this.#scope = scope;
    const half = { ...scope.budget, milliseconds: scope.budget.milliseconds / 2 };
    this.#looking = new Meter(half, scope.clock);
    this.#explaining = new Meter(scope.budget, scope.clock);
    this.#ids = scope.ids.draft();
    this.#fingerprints = new Fingerprints(this.#ids);
  }

  run(old: Json, newer: Json): Walked {
    if (this.#mayDiffer(old, newer, this.#looking) || this.#scope.state.learns) {
      this.#compare(undefined, '', old, newer, this.#scope.state);
      this.#goThrough();
    }
    const complete = this.#complete && this.#differing.complete;
    return { differences: this.#differences, excused: [...this.#excused.values()], ids: this.#ids, complete };
  }

  #goThrough(): void {
    while (this.#top) {
      if (this.#isEnough()) break;
      const frame = this.#top;
      if (!frame.step() && this.#top === frame) this.#top = frame.parent;
    }
  }

  /** True once there is no budget left, or nobody would read on. */
  #isEnough(): boolean {
    if (this.#differences.length >= MAX_DIFFERENCES) this.#complete = false;
    return !this.#complete;
  }

  /** False if the two are surely the same; looks through two containers that have not been looked through together. */
  #mayDiffer(old: Json, newer: Json, meter = this.#explaining): boolean {
    if (!isContainer(old) || !isContainer(newer)) return !sameLeaf(old, newer);
    return typeOf(old) !== typeOf(newer) || this.#differing.look(old, newer, meter);
  }

  /** The same for two values that have been looked through together, as parts of something. */
  #differ(old: Json | undefined, newer: Json | undefined): boolean {
    if (old === newer && old !== undefined && !isContainer(old)) return false;
    if (!isContainer(old) || !isContainer(newer) || Array.isArray(old) !== Array.isArray(newer)) {
      return old === undefined || newer === undefined || !sameLeaf(old, newer);
    }
    return this.#differing.has(old);
  }

  #compare(
    frame: Frame | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
    state: RuleState,
  ): void {
    if (this.#explaining.take(1) === 0) this.#complete = false;
    else if (old === undefined || newer === undefined) this.#compareAbsent(frame, key, old, newer, state);
    else if (isContainer(old) && isContainer(newer) && Array.isArray(old) === Array.isArray(newer)) {
      this.#enter(frame, key, old, newer, state);
    } else this.#compareLeaves(frame, key, old, newer, state);
  }

  #enter(parent: Frame | undefined, key: string | number, old: Container, newer: Container, state: RuleState): void {
    const frame: Frame = {
      parent: parent,
      key,
      depth: parent ? parent.depth + 1 : 0,
      old,
      new: newer,
      state,
      ignored: parent?.ignored ?? state.rules.ignore,
      shape: parent?.shape ?? state.rules['shape-only'],
      step: () => false,
      template: undefined,
    };
    if (frame.depth > this.#scope.budget.depth) {
      this.#complete = false;
      return;
    }
    frame.step = Array.isArray(old) ? this.#elements(frame) : this.#members(frame);
    this.#top = frame;
  }

  #compareAbsent(
    frame: Frame | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
    { rules }: RuleState,
  ): void {
    const kind = old === undefined ? 'extra' : 'missing';
    const onlyNull = typeof key === 'string' && (old === null || newer === null);
    const ignored = frame?.ignored ?? rules.ignore;
    if (ignored) this.#excuse(ignored, kind, frame, key, old, newer);
    else if (onlyNull && rules['null-is-absent']) this.#excuse(rules['null-is-absent'], kind, frame, key, old, newer);
    else if (typeof key === 'number' && frame?.shape) this.#excuse(frame.shape, kind, frame, key, old, newer);
    else this.#report(kind, frame, key, old, newer);
  }

  /** Compares two values of which at most one is a container. */
  #compareLeaves(frame: Frame | undefined, key: string | number, old: Json, newer: Json, { rules }: RuleState): void {
    const same = !isContainer(old) && !isContainer(newer) && sameLeaf(old, newer);
    const ignored = frame?.ignored ?? rules.ignore;
    if (ignored) {
      if (!same) this.#excuse(ignored, typeOf(old) === typeOf(newer) ? 'value' : 'type', frame, key, old, newer);
      return;
    }
    const idMap = rules['id-map'];
    if (idMap && isId(old) && isId(newer) && (typeOf(old) === typeOf(newer) || rules['numeric-string-is-number'])) {
      if (!this.#ids.corresponds(idMap.map, idText(old), idText(newer))) this.#report('value', frame, key, old, newer);
      else if (!same) this.#excuse(idMap, 'value', frame, key, old, newer);
      return;
    }
    if (same) return;
    const agreement = agreementOf(old, newer, rules, frame?.shape ?? rules['shape-only']);
    if ('differs' in agreement) this.#report(agreement.differs, frame, key, old, newer);
    else this.#excuse(agreement.rule, typeOf(old) === typeOf(newer) ? 'value' : 'type', frame, key, old, newer);
  }

  #members(frame: Frame): () => boolean {
    const [old, newer] = [frame.old as JsonObject, frame.new as JsonObject];
    const names = Object.keys(old);
    const inOld = names.length;
    for (const name of Object.keys(newer)) if (!Object.hasOwn(old, name)) names.push(name);
    const renamed = this.#renamed(frame, old, newer);
    let next = 0;
    return () => {
      while (next < names.length) {
        const name = names[next]!;
        const before = next < inOld ? old[name] : undefined;
        const after = Object.hasOwn(newer, name) ? newer[name] : undefined;
        next++;
        if (before === after && frame.state.none) continue;
        this.#member(frame, name, before, after, newer, renamed);
        if (this.#top !== frame || this.#isEnough()) return true;
      }
      return false;
    };
  }

  #member(
    frame: Frame,
    name: string,
    before: Json | undefined,
    after: Json | undefined,
    newer: JsonObject,
    renamed: ReadonlyMap<string, RuleOf<'rename'>> | undefined,
  ): void {
    const state = frame.state.into(name);
    const rename = renamed?.get(name);
    if (rename) {
      const value = newer[rename.to]!;
      this.#excuse(rename, 'missing', frame, name, before, undefined);
      if (this.#mayDiffer(before!, value) || state.learns) this.#compare(frame, name, before, value, state);
    } else if (before !== undefined || !renamed || !isNewName(renamed, name)) {
      this.#child(frame, name, before, after, state);
    }
  }

  /** Old name → the rule by which the new object has it under another one. */
  #renamed({ state, ignored }: Frame, old: JsonObject, newer: JsonObject): Map<string, RuleOf<'rename'>> | undefined {
    if (state.renames.length === 0 || ignored) return undefined;
    const applies = state.renames.filter((rule) => {
      const from = renamedFrom(rule);
      return (
        Object.hasOwn(old, from) &&
        !Object.hasOwn(old, rule.to) &&
        Object.hasOwn(newer, rule.to) &&
        !Object.hasOwn(newer, from)
      );
    });
    return new Map(applies.map((rule) => [renamedFrom(rule), rule]));
  }

  #elements(frame: Frame): () => boolean {
    const [old, newer] = [frame.old as readonly Json[], frame.new as readonly Json[]];
    const pairs = this.#pairs(frame, old, newer);
    let next = 0;
    return () => {
      while (next < pairs.length) {
        this.#element(frame, old, newer, pairs[next++]!);
        if (this.#top !== frame || this.#isEnough()) return true;
      }
      return false;
    };
  }

  #element(frame: Frame, old: readonly Json[], newer: readonly Json[], [before, after]: Pair): void {
    const key = (before ?? after)!;
    const state = frame.state.into(key);
    const a = before === undefined ? undefined : old[before];
    const b = after === undefined ? undefined : newer[after];
    const lookedAtTogether = before === after && old.length === newer.length;
    if (lookedAtTogether) this.#child(frame, key, a, b, state);
    else if (a === undefined || b === undefined) this.#compare(frame, key, a, b, state);
    else if (this.#mayDiffer(a, b) || state.learns) this.#compare(frame, key, a, b, state);
  }

  /** Which elements are to be compared with which; those that stand in place and are surely the same are left out. */
  #pairs(frame: Frame, old: readonly Json[], newer: readonly Json[]): readonly Pair[] {
    const { state } = frame;
    const length = Math.max(old.length, newer.length);
    const pairOf = (index: number): Pair => [
      index < old.length ? index : undefined,
      index < newer.length ? index : undefined,
    ];
    if (frame.ignored || frame.shape) return this.#open(0, length, old, newer, state).map(pairOf);
    const keyed = state.rules['keyed-by'];
    if (keyed) return this.#pairsByKey(frame, old, newer, keyed);
    if (old.length === newer.length) {
      const open = this.#open(0, length, old, newer, state);
      if (open.length <= 1) return open.map(pairOf);
      const { same, others } = recognise({ old, new: newer, state }, { old: open, new: open }, this.#fingerprints);
      if (same.every(inPlace) && others.every(inPlace)) return open.map(pairOf);
      this.#compareOrder(frame, isMovedAmong(same, open, length));
      return inOldOrder([...same, ...others]);
    }
    const [prefix, suffix] = state.learns ? [0, 0] : this.#common(old, newer);
    const open = { old: range(prefix, old.length - suffix), new: range(prefix, newer.length - suffix) };
    const { same, others } = recognise({ old, new: newer, state }, open, this.#fingerprints);
    this.#compareOrder(frame, isMoved(inOldOrder(same)));
    return inOldOrder([...same, ...others]);
  }

  #pairsByKey(frame: Frame, old: readonly Json[], newer: readonly Json[], rule: RuleOf<'keyed-by'>): readonly Pair[] {
    const marked = (elements: readonly Json[], side: Side) => ({
      indexes: range(0, elements.length),
      marks: elements.map((element, index) => this.#keyOf(element, rule.key, side, frame.state.into(index))),
    });
    const { pairs, left } = pairByMark(marked(old, 'old'), marked(newer, 'new'));
    this.#compareOrder(frame, isMoved(pairs));
    if (pairs.some(([before, after]) => before !== after))
      this.#excuse(rule, 'order', frame.parent, frame.key, old, newer);
    return [
      ...pairs,
      ...left.old.map((index) => [index, undefined] as const),
      ...left.new.map((index) => [undefined, index] as const),
    ];
  }

  #keyOf(element: Json, key: string, side: Side, state: RuleState): string | undefined {
    const has = isContainer(element) && !Array.isArray(element) && Object.hasOwn(element, key);
    const value = has ? (element as JsonObject)[key]! : null;
    if (value === null || isContainer(value)) return undefined;
    const id = idText(value);
    const map = state.into(key).rules['id-map']?.map;
    if (map === undefined) return `is ${id}`;
    const known = side === 'old' ? this.#ids.newFor(map, id) : this.#ids.oldFor(map, id) && id;
    return known === undefined ? 'not known yet' : `is ${known}`;
  }

  #compareOrder(frame: Frame, moved: boolean): void {
    if (!moved) return;
    const { parent, key, old, new: newer, state } = frame;
    const { unordered, collation } = state.rules;
    if (unordered) this.#excuse(unordered, 'order', parent, key, old, newer);
    else if (collation && sortedByCollation(old as readonly Json[], newer as readonly Json[], collation.by)) {
      this.#excuse(collation, 'order', parent, key, old, newer);
    } else this.#report('order', parent, key, old, newer);
  }

  /** The indexes from `from` to `to` whose elements are not surely the same in both arrays. */
  #open(from: number, to: number, old: readonly Json[], newer: readonly Json[], state: RuleState): number[] {
    const open: number[] = [];
    for (let index = from; index < to; index++) {
      if (this.#differ(old[index], newer[index]) || state.into(index).learns) open.push(index);
    }
    return open;
  }

  /** How many elements at the beginning and at the end of two arrays of other lengths are the same. */
  #common(old: readonly Json[], newer: readonly Json[]): readonly [prefix: number, suffix: number] {
    const shorter = Math.min(old.length, newer.length);
    let prefix = 0;
    while (prefix < shorter && !this.#differ(old[prefix], newer[prefix])) prefix++;
    let suffix = 0;
    while (
      suffix < shorter - prefix &&
      !this.#mayDiffer(old[old.length - 1 - suffix]!, newer[newer.length - 1 - suffix]!)
    )
      suffix++;
    return [prefix, suffix];
  }

  #child(frame: Frame, key: string | number, old: Json | undefined, newer: Json | undefined, state: RuleState): void {
    if (this.#differ(old, newer) || state.learns) this.#compare(frame, key, old, newer, state);
  }

  #excuse(
    rule: Rule,
    kind: DifferenceKind,
    frame: Frame | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
  ): void {
    const path = this.#template(frame, key);
    const what = `${rule.id} ${kind} ${path}`;
    const known = this.#excused.get(what);
    if (known) known.count++;
    else this.#excused.set(what, { rule: rule.id, kind, path, count: 1, old: sampleOf(old), new: sampleOf(newer) });
  }

  #report(
    kind: DifferenceKind,
    frame: Frame | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
  ): void {
    if (frame?.ignored) {
      this.#excuse(frame.ignored, kind, frame, key, old, newer);
      return;
    }
    const place = placeOf(frame, key);
    const [before, after] = samplesOf(old, newer);
    this.#differences.push({
      kind,
      severity: SEVERITY[kind],
      path: this.#template(frame, key),
      at: concretePath(place, this.#scope.root),
      old: before,
      new: after,
    });
  }

  #template(frame: Frame | undefined, key: string | number): string {
    const { root } = this.#scope;
    if (!frame) return root;
    if (frame.depth > 32) return templatePath(placeOf(frame, key), root);
    frame.template ??= this.#template(frame.parent, frame.key);
    return frame.template + templateStep(key);
  }
}

const placeOf = (frame: Frame | undefined, key: string | number): Place | undefined =>
  frame && { parent: frame, key, depth: frame.depth + 1 };

const isId = (value: Json) => ['string', 'number'].includes(typeOf(value));
const inPlace = ([old, newer]: Pair) => old === newer;
const isNewName = (renamed: ReadonlyMap<string, RuleOf<'rename'>>, name: string) =>
  [...renamed.values()].some(({ to }) => to === name);

function range(from: number, to: number): number[] {
  const numbers: number[] = [];
  for (let number = from; number < to; number++) numbers.push(number);
  return numbers;
}
