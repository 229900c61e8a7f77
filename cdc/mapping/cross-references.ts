import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { type ForeignKey, readForeignKeys } from './foreign-keys.ts';
import { columnOf, type MappedTable, type Mapping } from './mapping.ts';
import { isOfOneUser, type Reference, referenceOf } from './references.ts';
import { pathOf } from './user-column.ts';
import type { Kind } from './value-kinds.ts';

/**
 * A reference between rows that may be of two users, so that one may go on one side while the other is born on the other:
 * both databases have a foreign key for it, and the sync, whose writes those do not see, does what they would.
 */
export type CrossReference = Reference & {
  /** What a row without its parent loses: both sides say SET NULL, or else it goes itself. */
  readonly loses: 'itself' | 'the reference';
};

/** The references that cross users and that both sides have, among all foreign keys of both. */
export function crossReferencesOf(
  tables: readonly MappedTable[],
  foreignKeys: readonly ForeignKey[],
): readonly CrossReference[] {
  const found = new Map<string, { readonly reference: Reference; readonly keys: ForeignKey[] }>();
  for (const key of foreignKeys) {
    const reference = referenceOf(tables, key);
    if (!reference || !isFollowed(reference)) continue;
    const name = sayPairs(reference);
    const known = found.get(name) ?? { reference, keys: [] };
    found.set(name, known);
    known.keys.push(key);
  }
  return [...found.values()].flatMap(({ reference, keys }): CrossReference[] => {
    if (new Set(keys.map(({ side }) => side)).size < 2) return [];
    const isCleared = keys.every(({ onDelete }) => onDelete === 'SET NULL') && isClearable(reference);
    return [{ ...reference, loses: isCleared ? 'the reference' : 'itself' }];
  });
}

/** Reads them from the catalogs of both sides. */
export async function readCrossReferences(
  sessions: Readonly<Record<Side, Session>>,
  mapping: Mapping,
): Promise<readonly CrossReference[]> {
  const keys = [
    ...(await readForeignKeys(sessions.monolith, 'monolith')),
    ...(await readForeignKeys(sessions.service, 'service')),
  ];
  return crossReferencesOf([...mapping.values()], keys);
}

/** True if rows of two users may be at its ends, and it leads to a parent's primary key, by texts that mean the same. */
export function isFollowed(reference: Reference): boolean {
  const { child, parent, pairs } = reference;
  const isToKey = pairs.length === parent.key.length && pairs.every(([, to]) => parent.key.includes(to));
  if (!isToKey) return false;
  const isAlike = pairs.every(([from, to]) => {
    const { kind } = columnOf(parent, to);
    return PLAIN.has(kind.name) && columnOf(child, from).kind.name === kind.name;
  });
  return isAlike && !isOfOneUser(reference);
}

/** Kinds of which equal values have one text, however wide the column is. */
const PLAIN: ReadonlySet<Kind['name']> = new Set(['integer', 'uuid', 'text', 'binary']);

/** True if its columns may be NULL on both sides, and none says whose the row is. */
const isClearable = ({ child, pairs }: Reference): boolean =>
  pairs.every(([from]) => {
    const { monolith, service } = columnOf(child, from);
    return monolith.nullable && service.nullable && !child.key.includes(from) && !pathOf(child.user).includes(from);
  });

/** One text for equal references, whichever side’s foreign key says it. */
export const sayPairs = ({ child, parent, pairs }: Reference): string =>
  JSON.stringify([child.name, parent.name, pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
