import { nameOf } from '../rows/aggregates.ts';
import type { OwnedChange } from './prepare.ts';

/** The rows of one source transaction that are late: what follows of such a row stands on its first late change. */
export class LateRows {
  readonly #firsts = new Map<string, OwnedChange>();

  /** Forgets them: the next change is of another source transaction. */
  clear(): void {
    this.#firsts.clear();
  }

  /** Those of some changes, in their order, that are the owner's, and those that are late, as all of `disputed` are. */
  tellApart(changes: readonly OwnedChange[], disputed: ReadonlySet<OwnedChange>) {
    const [owned, late]: [OwnedChange[], OwnedChange[]] = [[], []];
    for (const change of changes) {
      const rows = [change.before, change.after].filter((row) => row !== null);
      const names = rows.map((row) => nameOf(change.table, row));
      const first = names.map((name) => this.#firsts.get(name)).find((one) => one);
      if (!first && change.owns && !disputed.has(change)) {
        owned.push(change);
        continue;
      }
      for (const name of names) this.#firsts.set(name, first ?? change);
      late.push(first ? { ...change, user: first.user, epoch: first.epoch, owns: false } : change);
    }
    return { owned, late };
  }
}
