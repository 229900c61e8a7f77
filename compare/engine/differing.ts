import { ExactNumber, type Json } from '../reply/json.ts';
import type { Meter } from './budget.ts';

export type Container = readonly Json[] | Members;
type Members = { readonly [name: string]: Json };

/**
 * Finds which containers of an old document differ from their counterparts, element by element and member by member,
 * without a look at any rule. This is the loop that sees everything, so it makes as little as it can: one small object
 * per container, nothing per place. What it does not name is equal; the walk that explains goes only where it points.
 */
export class Differing {
  readonly #found = new Set<Json | undefined>();
  /** False once a budget has run out: what was not reached counts as equal. */
  complete = true;

  /** False if two values are surely the same that have been looked through together, as parts of something. */
  differ(old: Json | undefined, newer: Json | undefined): boolean {
    if (old === newer) return false;
    return areOfOneType(old, newer) ? this.#found.has(old) : !areSameNumber(old, newer);
  }

  /**
   * The same for any two values, as far as the budget reaches; two containers are looked through. Arrays of other
   * lengths differ and are not looked into: whoever explains them must pair their elements first.
   */
  mayDiffer(old: Json | undefined, newer: Json | undefined, meter: Meter): boolean {
    if (old === newer) return false;
    return areOfOneType(old, newer)
      ? this.#look(pairOf(old as Container, newer as Container, undefined), meter)
      : !areSameNumber(old, newer);
  }

  #look(first: Pair, meter: Meter): boolean {
    const open = [first];
    this.complete &&= meter.take(1) === 1;
    for (let pair = open.pop(); pair && this.complete; pair = open.pop()) {
      const others = open.length;
      const same = Array.isArray(pair.old)
        ? this.#lookAtElements(pair, open, meter)
        : this.#lookAtMembers(pair, open, meter);
      if (!same) this.#mark(pair);
      if (open.length > others && pair.depth === meter.depth) this.complete = false;
    }
    return first.differs;
  }

  #lookAtElements(pair: Pair, open: Pair[], meter: Meter): boolean {
    const olds = pair.old as readonly Json[];
    const news = pair.newer as readonly Json[];
    if (olds.length !== news.length) return false;
    const end = meter.take(olds.length);
    if (end < olds.length) this.complete = false;
    let same = true;
    for (let index = 0; index < end; index++) {
      const a = olds[index]!;
      const b = news[index]!;
      if (a === b) continue;
      if (!maySame(a, b, pair, open)) same = false;
    }
    return same;
  }

  /** Counts members, so that it need not look for those that only the new object has; `for in` makes no list of names. */
  #lookAtMembers(pair: Pair, open: Pair[], meter: Meter): boolean {
    const olds = pair.old as Members;
    const news = pair.newer as Members;
    let same = true;
    let members = 0;
    for (const name in olds) {
      members++;
      const a = olds[name]!;
      const b = news[name]!;
      if (a === b) continue;
      if (name === '__proto__' && !Object.hasOwn(news, name))
        same = false; // b is what every object inherits
      else if (!maySame(a, b, pair, open)) same = false;
    }
    if (meter.take(members) < members) this.complete = false;
    return same && members === Object.keys(news).length;
  }

  /** Whoever holds what differs, differs too. */
  #mark(pair: Pair): void {
    for (let at: Pair | undefined = pair; at && !at.differs; at = at.parent) {
      at.differs = true;
      this.#found.add(at.old);
    }
  }
}

/** Two containers of one type, waiting to be looked through. */
interface Pair {
  readonly old: Container;
  readonly newer: Container;
  readonly parent: Pair | undefined;
  readonly depth: number;
  differs: boolean;
}

const pairOf = (old: Container, newer: Container, parent: Pair | undefined): Pair => ({
  old,
  newer,
  parent,
  depth: parent ? parent.depth + 1 : 0,
  differs: false,
});

/** False for two unequal values that are not two arrays or two objects; those are to be looked at later. */
function maySame(a: Json, b: Json, parent: Pair, open: Pair[]): boolean {
  if (!areOfOneType(a, b)) return areSameNumber(a, b);
  open.push(pairOf(a as Container, b as Container, parent));
  return true;
}

/** True for two arrays and for two objects. */
function areOfOneType(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b);
  return !Array.isArray(b) && !(a instanceof ExactNumber) && !(b instanceof ExactNumber);
}

const areSameNumber = (a: Json | undefined, b: Json | undefined): boolean =>
  a instanceof ExactNumber && b instanceof ExactNumber && a.canonical === b.canonical;
