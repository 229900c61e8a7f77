import type { Fingerprints, Side } from './fingerprint.ts';
import { idText } from './fingerprint.ts';
import { isContainer, type Json, type JsonObject } from './json.ts';
import { type Left, type Marked, type Pair, pairByMark, pairInSequence } from './pairing.ts';
import type { RuleState } from './rule-state.ts';

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
 * Finds which of the elements still open belong together: those with a mark of their own at once, those that share
 * one by their whole content, then those with the same id; what is left is taken for changed, in sequence.
 */
export function recognise(arrays: Arrays, open: Left, fingerprints: Fingerprints): Recognised {
  const rough = pairGroups(
    marked(arrays, open, 'old', roughly(fingerprints)),
    marked(arrays, open, 'new', roughly(fingerprints)),
  );
  const exact = (side: Side, indexes: readonly number[]) =>
    marked(arrays, { old: indexes, new: indexes }, side, (value, on, state) => fingerprints.of(value, on, state));
  const whole = pairByMark(exact('old', rough.shared.old), exact('new', rough.shared.new));
  const left = {
    old: [...rough.left.old, ...whole.left.old].sort(ascending),
    new: [...rough.left.new, ...whole.left.new].sort(ascending),
  };
  const same = [...rough.pairs, ...whole.pairs];
  if (left.old.join() === left.new.join()) return { same, others: pairInSequence(left) };
  const byId = pairById(arrays, left);
  return { same: [...same, ...byId.pairs], others: pairInSequence(byId.left) };
}

const ascending = (a: number, b: number) => a - b;
const roughly = (fingerprints: Fingerprints) => (value: Json, side: Side, state: RuleState) =>
  fingerprints.rough(value, side, state);

function marked<M>(
  arrays: Arrays,
  open: Left,
  side: Side,
  mark: (value: Json, side: Side, state: RuleState) => M,
): Marked<M> {
  const indexes = open[side];
  return { indexes, marks: indexes.map((index) => mark(arrays[side][index]!, side, arrays.state.into(index))) };
}

/** Pairs those whose mark nobody else has, tells apart those that share one, and those that nobody on the other side has. */
function pairGroups(old: Marked<string>, newer: Marked<string>): { pairs: Pair[]; shared: Left; left: Left } {
  const groups = new Map<string, { old: number[]; new: number[] }>();
  for (const [side, { indexes, marks }] of [
    ['old', old],
    ['new', newer],
  ] as const) {
    indexes.forEach((index, at) => {
      const group = groups.get(marks[at]!);
      if (group) group[side].push(index);
      else groups.set(marks[at]!, { old: [], new: [], [side]: [index] });
    });
  }
  const pairs: Pair[] = [];
  const shared = { old: [] as number[], new: [] as number[] };
  const left = { old: [] as number[], new: [] as number[] };
  for (const group of groups.values()) {
    if (group.old.length === 1 && group.new.length === 1) {
      pairs.push([group.old[0], group.new[0]]);
      continue;
    }
    const to = group.old.length === 0 || group.new.length === 0 ? left : shared;
    to.old.push(...group.old);
    to.new.push(...group.new);
  }
  return { pairs, shared, left };
}

/** Members that name an element in most replies. */
const ID_MEMBERS = ['id', '_id', 'uuid', 'guid', 'key', 'code', 'sku', 'slug', 'name'];

/** Pairs changed elements by a member that tells them apart on both sides, if they have one that no rule is about. */
function pairById({ old, new: newer, state }: Arrays, left: Left): { pairs: Pair[]; left: Left } {
  for (const name of ID_MEMBERS) {
    if (!state.into(0).into(name).none) continue;
    const [olds, news] = [idsOf(old, left.old, name), idsOf(newer, left.new, name)];
    if (olds && news) return pairByMark({ indexes: left.old, marks: olds }, { indexes: left.new, marks: news });
  }
  return { pairs: [], left };
}

/** The elements' ids; undefined if one has none or two have the same. */
function idsOf(elements: readonly Json[], indexes: readonly number[], name: string): string[] | undefined {
  const ids = indexes.map((index) => {
    const element = elements[index]!;
    const has = isContainer(element) && !Array.isArray(element) && Object.hasOwn(element, name);
    const id = has ? (element as JsonObject)[name]! : null;
    return id === null || isContainer(id) ? undefined : `${typeof id} ${idText(id)}`;
  });
  return ids.every((id) => id !== undefined) && new Set(ids).size === ids.length ? (ids as string[]) : undefined;
}
