import type { Meter } from './budget.ts';
import { ExactNumber, type Json } from './json.ts';

export type Container = readonly Json[] | { readonly [name: string]: Json };

/**
 * Finds which containers of an old document differ from their counterparts, element by element and member by member,
 * without a look at any rule. This is the loop that sees everything, so it makes as little as it can: no path, no
 * difference, no call per place. What it does not name is equal; the walk that explains goes only where it points.
 */
export class Differing {
  readonly #found = new Set<Json>();
  /** False once a budget has run out: what was not reached counts as equal. */
  complete = true;

  /** True if something in this old container was found to differ. */
  has(old: Json): boolean {
    return this.#found.has(old);
  }

  /** Looks through two containers of the same type, and says whether they differ as far as the budget reached. */
  look(old: Container, newer: Container, meter: Meter): boolean {
    // One entry per container on the way down: it, its values, their counterparts, the next to look at.
    const containers: Container[] = [];
    const olds: (readonly Json[])[] = [];
    const news: (readonly Json[])[] = [];
    const nexts: number[] = [];
    const ends: number[] = [];
    const differ: boolean[] = [];
    let at = 0;
    const enter = (a: Container, b: Container) => {
      containers[at] = a;
      nexts[at] = 0;
      if (Array.isArray(a)) {
        olds[at] = a;
        news[at] = b as readonly Json[];
        differ[at] = a.length !== (b as readonly Json[]).length;
      } else {
        differ[at] = !memberValues(a as Members, b as Members, olds, news, at);
      }
      const length = Math.min(olds[at]!.length, news[at]!.length);
      ends[at] = meter.take(length + 1) - 1;
      if (ends[at]! < length) this.complete = false;
    };
    enter(old, newer);
    loop: while (at >= 0) {
      const [as, bs] = [olds[at]!, news[at]!];
      const end = ends[at]!;
      for (let index = nexts[at]!; index < end; index++) {
        const [a, b] = [as[index]!, bs[index]!];
        if (a === b) continue;
        if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
          if (a instanceof ExactNumber && b instanceof ExactNumber && a.canonical === b.canonical) continue;
          const alike =
            Array.isArray(a) === Array.isArray(b) && !(a instanceof ExactNumber || b instanceof ExactNumber);
          if (alike) {
            if (at === meter.depth) this.complete = false;
            if (!this.complete) continue;
            nexts[at] = index + 1;
            at++;
            enter(a as Container, b as Container);
            continue loop;
          }
        }
        differ[at] = true;
      }
      if (differ[at]) {
        this.#found.add(containers[at]!);
        if (at > 0) differ[at - 1] = true;
      }
      at--;
    }
    return differ[0]!;
  }
}

type Members = { readonly [name: string]: Json };

/** Puts the values of common members side by side; false if either object has a member that the other lacks. */
function memberValues(
  a: Members,
  b: Members,
  olds: (readonly Json[])[],
  news: (readonly Json[])[],
  at: number,
): boolean {
  const [names, others] = [Object.keys(a), Object.keys(b)];
  let same = names.length === others.length;
  for (let index = 0; same && index < names.length; index++) same = names[index] === others[index];
  if (same) {
    olds[at] = Object.values(a);
    news[at] = Object.values(b);
    return true;
  }
  const common = names.filter((name) => Object.hasOwn(b, name));
  olds[at] = common.map((name) => a[name]!);
  news[at] = common.map((name) => b[name]!);
  return common.length === names.length && common.length === others.length;
}
