/**
 * Which old id corresponds to which new one, per map name: a bijection. Pairs found while two replies are compared
 * go into a draft on top, and are kept only if the replies agree otherwise, so that a wrong reply teaches nothing.
 */
export class IdMap {
  readonly #below: IdMap | undefined;
  readonly #toNew = new Map<string, string>();
  readonly #toOld = new Map<string, string>();

  constructor(below?: IdMap) {
    this.#below = below;
  }

  newFor(map: string, old: string): string | undefined {
    return this.#toNew.get(key(map, old)) ?? this.#below?.newFor(map, old);
  }

  oldFor(map: string, newer: string): string | undefined {
    return this.#toOld.get(key(map, newer)) ?? this.#below?.oldFor(map, newer);
  }

  /** True if the two correspond, or both are met for the first time and do from now on. */
  corresponds(map: string, old: string, newer: string): boolean {
    const knownNew = this.newFor(map, old);
    const knownOld = this.oldFor(map, newer);
    if (knownNew === undefined && knownOld === undefined) {
      this.#toNew.set(key(map, old), newer);
      this.#toOld.set(key(map, newer), old);
      return true;
    }
    return knownNew === newer && knownOld === old;
  }

  draft(): IdMap {
    return new IdMap(this);
  }

  /** Moves what the draft has learned into the map it was drafted from. */
  keep(): void {
    const below = this.#below;
    if (!below) return;
    for (const [from, to] of this.#toNew) below.#toNew.set(from, to);
    for (const [from, to] of this.#toOld) below.#toOld.set(from, to);
  }
}

/** The length keeps maps apart whose names begin alike. */
const key = (map: string, id: string) => `${map.length} ${map} ${id}`;
