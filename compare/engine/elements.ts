import { isContainer, type Json, type JsonObject } from '../reply/json.ts';
import type { IdMap } from '../rules/id-map.ts';
import type { RuleState } from '../rules/rule-state.ts';
import type { Meter } from './budget.ts';
import type { Differing } from './differing.ts';
import { type ComparedSide, Fingerprints, idText } from './fingerprint.ts';
import { inOldOrder, isMoved, isMovedAmong, type Pair, pairByMark } from './pairing.ts';
import { type Arrays, recognise } from './recognise.ts';

/** Which elements of two arrays are to be compared; those that stand in place and are surely the same are left out. */
export interface PairedElements {
  readonly pairs: readonly Pair[];
  /** True if some stand in another order than they did. */
  readonly moved: boolean;
}

/** Finds the partners of elements, with what a walk knows of its documents and its ids. */
export class Elements {
  readonly #differing: Differing;
  readonly #meter: Meter;
  readonly #ids: IdMap;
  readonly #fingerprints: Fingerprints;

  constructor(differing: Differing, meter: Meter, ids: IdMap) {
    this.#differing = differing;
    this.#meter = meter;
    this.#ids = ids;
    this.#fingerprints = new Fingerprints(ids);
  }

  /** The first with the first, whatever they hold. */
  bySequence(arrays: Arrays): readonly Pair[] {
    const { old, new: newer } = arrays;
    if (old.length === newer.length) return this.#open(arrays).map((index) => [index, index] as const);
    return range(0, Math.max(old.length, newer.length)).map((index) => [
      index < old.length ? index : undefined,
      index < newer.length ? index : undefined,
    ]);
  }

  /** By the member that a rule names. */
  byKey({ old, new: newer, state }: Arrays, key: string): PairedElements {
    const marked = (elements: readonly Json[], side: ComparedSide) => ({
      indexes: range(0, elements.length),
      marks: elements.map((element, index) => this.#keyOf(element, key, side, state.into(index))),
    });
    const { pairs, left } = pairByMark(marked(old, 'old'), marked(newer, 'new'));
    const alone = [
      ...left.old.map((index) => [index, undefined] as const),
      ...left.new.map((index) => [undefined, index] as const),
    ];
    return { pairs: [...pairs, ...alone], moved: isMoved(pairs) };
  }

  /** By what they are: those that do not stand in place are recognised by their ids or their content. */
  byLikeness(arrays: Arrays): PairedElements {
    const { old, new: newer } = arrays;
    if (old.length !== newer.length) {
      const { same, others } = recognise(arrays, this.#between(arrays), this.#fingerprints);
      return { pairs: inOldOrder([...same, ...others]), moved: isMoved(inOldOrder(same)) };
    }
    const open = this.#open(arrays);
    const inSequence = () => ({ pairs: open.map((index) => [index, index] as const), moved: false });
    if (open.length <= 1) return inSequence();
    const { same, others } = recognise(arrays, { old: open, new: open }, this.#fingerprints);
    if (same.every(inPlace) && others.every(inPlace)) return inSequence();
    return { pairs: inOldOrder([...same, ...others]), moved: isMovedAmong(same, open, old.length) };
  }

  /** Of two arrays of one length the indexes at which they are not surely the same. */
  #open({ old, new: newer, state }: Arrays): number[] {
    const open: number[] = [];
    const learns = (index: number) => state.learns && state.into(index).learns;
    for (let index = 0; index < old.length; index++) {
      if (this.#differing.differ(old[index], newer[index]) || learns(index)) open.push(index);
    }
    return open;
  }

  /** Of two arrays of other lengths the indexes between what is the same at the beginning and at the end. */
  #between({ old, new: newer, state }: Arrays) {
    const differ = (a: Json, b: Json) => this.#differing.mayDiffer(a, b, this.#meter);
    const shorter = state.learns ? 0 : Math.min(old.length, newer.length);
    let before = 0;
    while (before < shorter && !differ(old[before]!, newer[before]!)) before++;
    let behind = 0;
    while (behind < shorter - before && !differ(old.at(-1 - behind)!, newer.at(-1 - behind)!)) behind++;
    return { old: range(before, old.length - behind), new: range(before, newer.length - behind) };
  }

  #keyOf(element: Json, key: string, side: ComparedSide, state: RuleState): string | undefined {
    const has = isContainer(element) && !Array.isArray(element) && Object.hasOwn(element, key);
    const value = has ? (element as JsonObject)[key]! : null;
    if (value === null || isContainer(value)) return undefined;
    const id = idText(value);
    const map = state.into(key).rules['id-map']?.map;
    if (map === undefined) return `is ${id}`;
    const known = side === 'old' ? this.#ids.newFor(map, id) : this.#ids.oldFor(map, id) && id;
    return known === undefined ? 'not known yet' : `is ${known}`;
  }
}

const inPlace = ([old, newer]: Pair) => old === newer;

function range(from: number, to: number): number[] {
  const numbers: number[] = [];
  for (let number = from; number < to; number++) numbers.push(number);
  return numbers;
}
