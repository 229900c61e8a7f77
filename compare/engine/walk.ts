import { isContainer, type Json, type JsonObject } from '../reply/json.ts';
import type { IdMap } from '../rules/id-map.ts';
import { type RuleState, renamedFrom } from '../rules/rule-state.ts';
import type { RuleOf } from '../rules/rules.ts';
import { type Budget, Meter } from './budget.ts';
import type { Difference, Excused } from './difference.ts';
import { type Container, Differing } from './differing.ts';
import { Elements } from './elements.ts';
import { Findings, type Holder } from './findings.ts';
import type { Pair } from './pairing.ts';
import type { Arrays } from './recognise.ts';
import { type Around, verdictOnAbsence, verdictOnLeaves, verdictOnOrder } from './verdict.ts';

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
  const half = { ...scope.budget, milliseconds: scope.budget.milliseconds / 2 };
  const [looking, explaining] = [new Meter(half, scope.clock), new Meter(scope.budget, scope.clock)];
  const differing = new Differing();
  if (!differing.mayDiffer(old, newer, looking) && !scope.state.learns) {
    return { differences: [], excused: [], ids: scope.ids, complete: differing.complete };
  }
  return new Walk(scope, differing, explaining).run(old, newer);
}

/** Two containers on the way down, and what is left to do in them. */
interface Frame extends Holder, Around {
  readonly parent: Frame | undefined;
  readonly old: Container;
  readonly new: Container;
  readonly state: RuleState;
  /** Compares its next child, or returns false when there is none left. */
  step: () => boolean;
}

class Walk {
  readonly #scope: Scope;
  readonly #differing: Differing;
  readonly #meter: Meter;
  readonly #ids: IdMap;
  readonly #elements: Elements;
  readonly #findings: Findings;
  #top: Frame | undefined;
  #complete = true;

  constructor(scope: Scope, differing: Differing, meter: Meter) {
    this.#scope = scope;
    this.#differing = differing;
    this.#meter = meter;
    this.#ids = scope.ids.draft();
    this.#elements = new Elements(differing, meter, this.#ids);
    this.#findings = new Findings(scope.root);
  }

  run(old: Json, newer: Json): Walked {
    this.#compare(undefined, '', old, newer, this.#scope.state);
    this.#goThrough();
    const { differences, excused } = this.#findings;
    return { differences, excused, ids: this.#ids, complete: this.#complete && this.#differing.complete };
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
    if (this.#findings.differences.length >= MAX_DIFFERENCES) this.#complete = false;
    return !this.#complete;
  }

  #compare(
    frame: Frame | undefined,
    key: string | number,
    old: Json | undefined,
    newer: Json | undefined,
    state: RuleState,
  ): void {
    if (this.#meter.take(1) === 0) {
      this.#complete = false;
    } else if (old === undefined || newer === undefined) {
      this.#findings.add(verdictOnAbsence(key, old, newer, state.rules, frame), frame, key, old, newer);
    } else if (isContainer(old) && isContainer(newer) && Array.isArray(old) === Array.isArray(newer)) {
      this.#enter(frame, key, old, newer, state);
    } else {
      this.#findings.add(verdictOnLeaves(old, newer, state.rules, frame, this.#ids), frame, key, old, newer);
    }
  }

  #enter(parent: Frame | undefined, key: string | number, old: Container, newer: Container, state: RuleState): void {
    const frame: Frame = {
      parent,
      key,
      depth: parent ? parent.depth + 1 : 0,
      old,
      new: newer,
      state,
      ignored: parent?.ignored ?? state.rules.ignore,
      shape: parent?.shape ?? state.rules['shape-only'],
      step: () => false,
      paths: undefined,
    };
    if (frame.depth > this.#scope.budget.depth) {
      this.#complete = false;
      return;
    }
    frame.step = Array.isArray(old) ? this.#elementsOf(frame) : this.#membersOf(frame);
    this.#top = frame;
  }

  #membersOf(frame: Frame): () => boolean {
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
      this.#findings.add({ kind: 'missing', rule: rename }, frame, name, before, undefined);
      const differ = this.#differing.mayDiffer(before, value, this.#meter);
      if (differ || state.learns) this.#compare(frame, name, before, value, state);
    } else if (before !== undefined || !renamed || !isNewName(renamed, name)) {
      if (this.#differing.differ(before, after) || state.learns) this.#compare(frame, name, before, after, state);
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

  #elementsOf(frame: Frame): () => boolean {
    const arrays = { old: frame.old as readonly Json[], new: frame.new as readonly Json[], state: frame.state };
    const pairs = this.#pairs(frame, arrays);
    let next = 0;
    return () => {
      while (next < pairs.length) {
        this.#pair(frame, arrays, pairs[next++]!);
        if (this.#top !== frame || this.#isEnough()) return true;
      }
      return false;
    };
  }

  #pairs(frame: Frame, arrays: Arrays): readonly Pair[] {
    if (frame.ignored || frame.shape) return this.#elements.bySequence(arrays);
    const { parent, key, old, new: newer, state } = frame;
    const keyed = state.rules['keyed-by'];
    const { pairs, moved } = keyed ? this.#elements.byKey(arrays, keyed.key) : this.#elements.byLikeness(arrays);
    if (moved) this.#findings.add(verdictOnOrder(arrays), parent, key, old, newer);
    if (keyed && pairs.some(isElsewhere)) this.#findings.add({ kind: 'order', rule: keyed }, parent, key, old, newer);
    return pairs;
  }

  #pair(frame: Frame, { old, new: newer, state }: Arrays, [before, after]: Pair): void {
    const key = (before ?? after)!;
    const a = before === undefined ? undefined : old[before];
    const b = after === undefined ? undefined : newer[after];
    const inside = state.into(key);
    const lookedAtTogether = before === after && old.length === newer.length;
    const differ = lookedAtTogether ? this.#differing.differ(a, b) : this.#differing.mayDiffer(a, b, this.#meter);
    if (differ || inside.learns) this.#compare(frame, key, a, b, inside);
  }
}

const isElsewhere = ([old, newer]: Pair) => old !== undefined && newer !== undefined && old !== newer;
const isNewName = (renamed: ReadonlyMap<string, RuleOf<'rename'>>, name: string) =>
  [...renamed.values()].some(({ to }) => to === name);
