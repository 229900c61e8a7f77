import { ExactNumber, isContainer, type Json, type JsonObject } from '../reply/json.ts';
import type { RuleState } from '../rules/rule-state.ts';
import { type ComparedSide, type Fingerprints, ID_MEMBERS, tellingMembers } from './fingerprint.ts';
import { type Left, type Marked, type Pair, pairByMark, pairInSequence } from './pairing.ts';

/** Two arrays and the rules at their place. */
export interface Arrays {
  readonly old: readonly Json[];
  readonly new: readonly Json[];
  readonly state: RuleState;
}

/** Elements that belong together, and how the others are compared with each other. */
export interface Recognised {
  /** The same element, though it may have changed inside. */
  readonly same: readonly Pair[];
  /** Taken for changed, or alone. */
  readonly others: readonly Pair[];
}

/**
 * Finds which of the elements still open belong together: by a member that names each of them, such as an id, or else
 * by their content. What is left is taken for changed, in sequence.
 */
export function recognise(arrays: Arrays, open: Left, fingerprints: Fingerprints): Recognised {
  const { pairs, left } = pairById(arrays, open) ?? pairByContent(arrays, open, fingerprints);
  return { same: pairs, others: pairInSequence(left) };
}

interface Paired {
  readonly pairs: readonly Pair[];
  readonly left: Left;
}

/** Pairs elements by a member that tells them apart on both sides and that no rule is about; undefined if there is none. */
function pairById({ old, new: newer, state }: Arrays, open: Left): Paired | undefined {
  const first = old[open.old[0] ?? 0];
  if (first === undefined || !isObject(first)) return undefined;
  for (const name of ID_MEMBERS) {
    if (!Object.hasOwn(first, name) || !state.into(0).into(name).none) continue;
    const [olds, news] = [idsOf(old, open.old, name), idsOf(newer, open.new, name)];
    if (!olds || !news) continue;
    const pairs: Pair[] = [];
    const left = { old: [] as number[], new: [] as number[] };
    for (const [id, index] of olds) {
      const partner = news.get(id);
      if (partner === undefined) left.old.push(index);
      else pairs.push([index, partner]);
    }
    for (const [id, index] of news) if (!olds.has(id)) left.new.push(index);
    return { pairs, left };
  }
  return undefined;
}

/** Id → index; undefined if an element has none or two have the same. */
function idsOf(
  elements: readonly Json[],
  indexes: readonly number[],
  name: string,
): ReadonlyMap<Json, number> | undefined {
  const ids = new Map<Json, number>();
  for (const index of indexes) {
    const element = elements[index]!;
    const id = isObject(element) && Object.hasOwn(element, name) ? element[name]! : null;
    if (id === null || isContainer(id)) return undefined;
    ids.set(id instanceof ExactNumber ? `exactly ${id.canonical}` : id, index);
  }
  return ids.size === indexes.length ? ids : undefined;
}

/** Pairs elements whose outermost level nobody else has at once, and those that share one by the whole of them. */
function pairByContent(arrays: Arrays, open: Left, fingerprints: Fingerprints): Paired {
  const [old, newer] = [firstObject(arrays.old, open.old), firstObject(arrays.new, open.new)];
  const members = old && newer ? tellingMembers(old, newer, arrays.state.into(0)) : [];
  const roughly = (side: ComparedSide) =>
    marked(arrays, open, side, (value, on, state) => fingerprints.rough(value, on, state, members));
  const rough = pairGroups(roughly('old'), roughly('new'));
  const exact = (side: ComparedSide) =>
    marked(arrays, rough.shared, side, (value, on, state) => fingerprints.of(value, on, state));
  const whole = pairByMark(exact('old'), exact('new'));
  const left = {
    old: [...rough.left.old, ...whole.left.old].sort(ascending),
    new: [...rough.left.new, ...whole.left.new].sort(ascending),
  };
  return { pairs: [...rough.pairs, ...whole.pairs], left };
}

const isObject = (value: Json): value is JsonObject => isContainer(value) && !Array.isArray(value);

function firstObject(elements: readonly Json[], indexes: readonly number[]): JsonObject | undefined {
  const index = indexes.find((at) => isObject(elements[at]!));
  return index === undefined ? undefined : (elements[index] as JsonObject);
}

const ascending = (a: number, b: number) => a - b;

function marked<M>(
  arrays: Arrays,
  open: Left,
  side: ComparedSide,
  mark: (value: Json, side: ComparedSide, state: RuleState) => M,
): Marked<M> {
  const indexes = open[side];
  return { indexes, marks: indexes.map((index) => mark(arrays[side][index]!, side, arrays.state.into(index))) };
}

/** Pairs those whose mark nobody else has, tells apart those that share one, and those that nobody on the other side has. */
function pairGroups(old: Marked<string>, newer: Marked<string>): { pairs: Pair[]; shared: Left; left: Left } {
  const [olds, news] = [whoHas(old), whoHas(newer)];
  const pairs: Pair[] = [];
  const shared = { old: [] as number[], new: [] as number[] };
  const left = { old: [] as number[], new: [] as number[] };
  for (let at = 0; at < old.indexes.length; at++) {
    const mark = old.marks[at]!;
    const partner = news.get(mark);
    if (partner === undefined) left.old.push(old.indexes[at]!);
    else if (partner === SEVERAL || olds.get(mark) === SEVERAL) shared.old.push(old.indexes[at]!);
    else pairs.push([old.indexes[at]!, partner]);
  }
  for (let at = 0; at < newer.indexes.length; at++) {
    const mark = newer.marks[at]!;
    const partner = olds.get(mark);
    if (partner === undefined) left.new.push(newer.indexes[at]!);
    else if (partner === SEVERAL || news.get(mark) === SEVERAL) shared.new.push(newer.indexes[at]!);
  }
  return { pairs, shared, left };
}

const SEVERAL = -1;

/** Mark → the index of the only element that has it, or SEVERAL. */
function whoHas({ indexes, marks }: Marked<string>): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  for (let at = 0; at < indexes.length; at++) {
    owners.set(marks[at]!, owners.has(marks[at]!) ? SEVERAL : indexes[at]!);
  }
  return owners;
}
