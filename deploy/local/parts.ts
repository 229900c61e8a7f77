/** One server of the set. */
export type Part = 'mysql' | 'postgres' | 'kafka' | 'connect' | 'unleash';

/** Every part, in the order in which they are shown. */
export const allParts: readonly Part[] = ['mysql', 'postgres', 'kafka', 'connect', 'unleash'];

/** Which parts a part cannot start without. */
export const needs: Readonly<Record<Part, readonly Part[]>> = {
  mysql: [],
  postgres: [],
  kafka: [],
  connect: ['kafka'],
  unleash: ['postgres'],
};

/** The named parts (all, if none is named) with what they need, in showing order. Throws a RangeError on an unknown name. */
export function selectParts(names: readonly string[]): Part[] {
  if (names.length === 0) return [...allParts];
  const chosen = new Set<Part>();
  for (const part of namedParts(names)) {
    chosen.add(part);
    for (const needed of needs[part]) chosen.add(needed);
  }
  return allParts.filter((part) => chosen.has(part));
}

/** The named parts only (all, if none is named). Throws a RangeError on an unknown name. */
export function namedParts(names: readonly string[]): Part[] {
  for (const name of names) {
    if (!allParts.includes(name as Part)) throw new RangeError(`there is no part "${name}": ${allParts.join(', ')}`);
  }
  return names.length === 0 ? [...allParts] : allParts.filter((part) => names.includes(part));
}
