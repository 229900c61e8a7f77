import type { Meter } from './budget.ts';
import { ExactNumber, type Json } from './json.ts';

export type Container = readonly Json[] | Members;
type Members = { readonly [name: string]: Json };

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
    const way: Level[] = [enter(old, newer, meter)];
    let at = 0;
    let differs = false;
    loop: for (;;) {
      const level = way[at]!;
      const { olds, news, end } = level;
      if (end < 0) this.complete = false;
      for (let index = level.next; index < end; index++) {
        const a = olds[index]!;
        const b = news[index]!;
        if (a === b) continue;
        if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
          const array = Array.isArray(a);
          const exact = !array && a instanceof ExactNumber;
          if (exact && b instanceof ExactNumber && a.canonical === b.canonical) continue;
          if (array === Array.isArray(b) && !exact && (array || !(b instanceof ExactNumber))) {
            if (at === meter.depth) this.complete = false;
            if (!this.complete) continue;
            level.next = index + 1;
            at++;
            way[at] = enter(a as Container, b as Container, meter);
            continue loop;
          }
        }
        level.differs = true;
      }
      if (level.cut) this.complete = false;
      differs = level.differs;
      if (differs) this.#found.add(level.container);
      if (at === 0) return differs;
      at--;
      if (differs) way[at]!.differs = true;
    }
  }
}

/** Two containers on the way down: their values side by side, and how far they have been looked through. */
interface Level {
  readonly container: Container;
  readonly olds: readonly Json[];
  readonly news: readonly Json[];
  readonly end: number;
  readonly cut: boolean;
  next: number;
  differs: boolean;
}

function enter(old: Container, newer: Container, meter: Meter): Level {
  if (Array.isArray(old)) return level(old, old, newer as readonly Json[], old.length !== newer.length, meter);
  const [names, others] = [Object.keys(old), Object.keys(newer)];
  if (sameNames(names, others)) return level(old, Object.values(old), Object.values(newer), false, meter);
  const common = names.filter((name) => Object.hasOwn(newer, name));
  const valuesOf = (members: Container) => common.map((name) => (members as Members)[name]!);
  const alone = common.length < names.length || common.length < others.length;
  return level(old, valuesOf(old), valuesOf(newer), alone, meter);
}

function level(
  container: Container,
  olds: readonly Json[],
  news: readonly Json[],
  differs: boolean,
  meter: Meter,
): Level {
  const length = Math.min(olds.length, news.length);
  const end = meter.take(length + 1) - 1;
  return { container, olds, news, end, cut: end < length, next: 0, differs };
}

function sameNames(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) return false;
  for (let at = 0; at < names.length; at++) if (names[at] !== others[at]) return false;
  return true;
}
