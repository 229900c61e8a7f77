import { quoted, type Session } from '@strangler/ledger';
import { columnsOfWay, otherSide, type Plan, type Side, sayWay, type Way, waysOf } from '@strangler/plan';
import { crossReferencesOf, isFollowed, sayPairs } from '../mapping/cross-references.ts';
import { type ForeignKey, readForeignKeys } from '../mapping/foreign-keys.ts';
import { columnOf, type MappedTable } from '../mapping/mapping.ts';
import { addForeignKey, dropForeignKey } from '../mapping/modify.ts';
import { isOfOneUser, type Reference, referenceOf } from '../mapping/references.ts';
import { waysIn } from '../mapping/user-column.ts';
import type { Finding, ReportFinding } from './finding.ts';

/** Looks at the foreign keys of both sides that leave the Plan or cross users, and at what a delete does through them. */
export async function checkForeignKeys(
  plan: Plan,
  capability: string,
  tables: readonly MappedTable[],
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  const isLogged = cascadesAreLogged(await nativeForeignKeys(monolith));
  const all = [...(await readForeignKeys(monolith, 'monolith')), ...(await readForeignKeys(service, 'service'))];
  const planned = ownersOf(plan, capability);
  for (const key of all) {
    const { path = [], needsCheck = false } = planned[key.side].get(key.child) ?? {};
    if (!needsCheck || tables.some((table) => table.tables[key.side] === key.child) || !rewrites(key, path)) continue;
    report({
      ...{
        level: 'error',
        where: `${capability}.${key.child}`,
        what: `foreign key ${key.name} of the ${key.side} rewrites a column that leads to a user, ON UPDATE ${key.onUpdate}`,
      },
      why: 'MySQL takes no CHECK constraint over such a column, and one has to see to it that a row has a user',
      fix: withoutUpdates(key),
    });
  }
  for (const key of all) {
    const finding = findingOf(planned[key.side], tables, key, isLogged, all);
    if (finding) report({ ...finding, where: `${capability}.${finding.where}` });
  }
}

/** A table of the Plan: the columns that lead to its rows’ users, and whether a CHECK constraint must say that one is set. */
type PlannedTable = { readonly path: readonly string[]; readonly needsCheck: boolean };

/** The tables of the Plan by each side’s names. */
function ownersOf(plan: Plan, capability: string): Readonly<Record<Side, ReadonlyMap<string, PlannedTable>>> {
  const tables = Object.entries(plan.capabilities[capability]!.tables).map(([name, table]) => {
    const { to = name, columns, unowned } = table;
    const ways = waysOf(table);
    const path = ways.flatMap(columnsOfWay);
    const there = path.map((one) => (Object.hasOwn(columns, one) ? columns[one]! : one));
    return { name, to, path, there, needsCheck: ways.length > 1 && !unowned };
  });
  return {
    monolith: new Map(tables.map(({ name, path, needsCheck }) => [name, { path, needsCheck }])),
    service: new Map(tables.map(({ to, there, needsCheck }) => [to, { path: there, needsCheck }])),
  };
}

/** True if MySQL rewrites one of these columns with the parent. */
const rewrites = ({ pairs, onUpdate = '' }: ForeignKey, columns: readonly string[]): boolean =>
  UNLOGGED.has(onUpdate) && pairs.some(([from]) => columns.includes(from));

/** The statements that make a foreign key again, without that. */
const withoutUpdates = (key: ForeignKey): string => `${dropForeignKey(key)} ${addForeignKey(key, key.onDelete)};`;

async function nativeForeignKeys(session: Session): Promise<string | undefined> {
  const { rows } = await session.query<{ Value: string }>("SHOW VARIABLES LIKE 'innodb_native_foreign_keys'");
  return rows[0]?.Value;
}

/** Until 9.6 InnoDB carried out what a foreign key says of a delete by itself, below the binary log; since then it is a setting. */
export const cascadesAreLogged = (innodbNativeForeignKeys: string | undefined): boolean =>
  innodbNativeForeignKeys === 'OFF';

/**
 * What is wrong with a foreign key; undefined if nothing, or if it is about no table of the Plan. `planned`: the Plan’s tables by
 * that side’s names, with the columns that lead to their users; `tables`: those among them that can be mapped; `all`: the
 * foreign keys of both sides.
 */
export function findingOf(
  planned: ReadonlyMap<string, Pick<PlannedTable, 'path'>>,
  tables: readonly MappedTable[],
  key: ForeignKey,
  isLogged: boolean,
  all: readonly ForeignKey[],
): Finding | undefined {
  const [child, parent] = [planned.has(key.child), planned.has(key.parent)];
  const what = `foreign key ${key.name} of the ${key.side} leads from ${key.child} (${key.pairs.map(([from]) => from).join(', ')}) to ${key.parent}, ON DELETE ${key.onDelete}`;
  if (child && key.side === 'monolith' && !isLogged && UNLOGGED.has(key.onDelete)) {
    return {
      ...{ level: 'error', where: key.child, what },
      why: `this MySQL does not log what that does to ${key.child}, so the service keeps the rows as they were`,
      fix: restrict(key),
    };
  }
  if (!child && !parent) return undefined;
  if (key.onDelete.startsWith('SET') && key.pairs.some(([from]) => planned.get(key.child)?.path.includes(from))) {
    return {
      ...{ level: 'error', where: key.child, what },
      why: `a ${key.parent} that is deleted leaves rows of nobody${planned.get(key.child)!.path.length > 1 ? ', or another user’s' : ''}, which have no side to be on`,
      fix: restrict(key),
    };
  }
  const warn = (said: string, why: string, or: string): Finding => ({
    ...{
      level: 'warning',
      where: child ? key.child : key.parent,
      what: `${what}: ${said}`,
      why,
      fix: `${dropForeignKey(key)} -- or ${or}`,
    },
  });
  if (!parent) {
    return warn(
      `${key.parent} is not in this capability’s tables`,
      `no stream keeps the two together: a row that comes from the other side is written whether or not ${key.parent} has what it refers to; and ${deletes(key)} on this side alone`,
      `name ${key.parent} under tables of the Plan`,
    );
  }
  if (!child && tables.some(({ tables: of, ownId }) => ownId && of[key.side] === key.parent)) {
    return warn(
      `${key.child} is not in this capability’s tables`,
      `ids of ${key.parent} are the ${key.side}’s own: whatever carries ${key.child} to the other side must carry what they stand for; and ${deletes(key)} on this side alone`,
      `name ${key.child} under tables of this capability, with refers: { ${key.pairs[0]![0]}: ${key.parent} }`,
    );
  }
  if (!child) {
    return warn(
      `${key.child} is not in this capability’s tables`,
      `a ${key.parent} that is deleted on the other side is deleted here by the sync, which follows no foreign key: ${key.child} keeps rows that lead nowhere`,
      `name ${key.child} under tables of the Plan`,
    );
  }
  const reference = referenceOf(tables, key);
  if (!reference || isOfOneUser(reference) || 'each' in reference.child.user) return undefined;
  if ('shared' in reference.parent.user) return isLeftAlone(reference, key) ? undefined : ofEverybody(key, what);
  const way = wayBy(reference);
  if (way) {
    const isSaid = all.some(
      (one) => one.side === 'monolith' && key.side === 'service' && isAlike(tables, one, reference),
    );
    return isSaid ? undefined : alsoAWay(key, what, reference, way, all);
  }
  const race = `one user may delete a ${key.parent} on one side while another one’s ${key.child} is born on the other`;
  const together = `let its rows move with their ${key.parent}: user: { through: ${reference.pairs[0]![0]}, of: ${reference.parent.name} } under tables.${reference.child.name} of the Plan`;
  const alone = `${deletes(key)} where it is deleted, and the new row stays without it on both sides`;
  const followed = crossReferencesOf(tables, all).find((one) => sayPairs(one) === sayPairs(reference));
  if (followed) {
    const does = followed.loses === 'itself' ? 'takes that away' : 'takes the reference from that';
    const warning = warn(
      'it crosses users',
      `${race}: the sync ${does}, on both sides, and keeps it as orphaned`,
      together,
    );
    return {
      ...warning,
      fix: `${dropForeignKey(key)} -- on both sides, or on neither, and then nothing is to be done; or ${together}`,
    };
  }
  if (!isFollowed(reference)) return warn('it crosses users', `${race}: ${alone}`, together);
  const other = otherSide(key.side);
  const warning = warn(
    `it crosses users, and the ${other} has no such foreign key`,
    `${race}. With a foreign key on both sides the sync would take it away, and keep it; so ${alone}`,
    together,
  );
  return { ...warning, fix: `${addTo(other, key, reference, isLogged)} -- and restart cdc; or ${together}` };
}

const isAlike = (tables: readonly MappedTable[], key: ForeignKey, reference: Reference): boolean => {
  const other = referenceOf(tables, key);
  return other !== undefined && sayPairs(other) === sayPairs(reference);
};

/** The way to the user, behind another one, that a reference is. */
const wayBy = ({ child, parent, pairs }: Reference): Way | undefined =>
  waysIn(child.user).find(
    (way) =>
      'of' in way && way.of === parent.name && way.through.every((from) => pairs.some((pair) => pair[0] === from)),
  );

/** Where another way to the user is set beside it, a row refers to a row of another user by this one. */
function alsoAWay(key: ForeignKey, what: string, { child }: Reference, way: Way, all: readonly ForeignKey[]): Finding {
  const earlier = waysIn(child.user).slice(0, waysIn(child.user).indexOf(way));
  const columns = [way, ...earlier].flatMap(columnsOfWay);
  const loosen = all
    .filter((one) => one.side === 'monolith' && one.child === child.tables.monolith && rewrites(one, columns))
    .map((one) => `${withoutUpdates(one)} `)
    .join('');
  return {
    ...{
      level: 'warning',
      where: key.child,
      what: `${what}: it crosses users where ${earlier.map(sayWay).join(' or ')} is set beside it`,
    },
    why: `that tells the user there, and one user may delete a ${key.parent} on one side while another one’s ${key.child} is born on the other`,
    fix: `${loosen}${keepApart('monolith', child, way, earlier)} ${keepApart('service', child, way, earlier)} -- and restart cdc; or ${dropForeignKey(key)}`,
  };
}

/** The statement that keeps a way from being set beside one before it. */
function keepApart(side: Side, child: MappedTable, way: Way, earlier: readonly Way[]): string {
  const name = (column: string) => quote(side, columnOf(child, column)[side].name);
  const isOpen = (one: Way) =>
    `(${columnsOfWay(one)
      .map((column) => `${name(column)} IS NULL`)
      .join(' OR ')})`;
  const called = quote(side, [child.tables[side], ...columnsOfWay(way), 'alone'].join('_').slice(-60));
  return `ALTER TABLE ${quote(side, child.tables[side])} ADD CONSTRAINT ${called} CHECK (${isOpen(way)} OR (${earlier.map(isOpen).join(' AND ')}));`;
}

/** The statement that gives a side the foreign key that the other one has. */
function addTo(
  side: Side,
  { name, onDelete }: ForeignKey,
  { child, parent, pairs }: Reference,
  isLogged: boolean,
): string {
  const from = pairs.map(([one]) => quote(side, columnOf(child, one)[side].name)).join(', ');
  const to = pairs.map(([, one]) => quote(side, columnOf(parent, one)[side].name)).join(', ');
  const does = side === 'monolith' && !isLogged ? 'RESTRICT' : onDelete;
  return `ALTER TABLE ${quote(side, child.tables[side])} ADD CONSTRAINT ${quote(side, name)} FOREIGN KEY (${from}) REFERENCES ${quote(side, parent.tables[side])} (${to}) ON DELETE ${does};`;
}

/** True if what is written beside a row that is everybody’s is the monolith’s own, or if such a row stays while it is referred to. */
const isLeftAlone = ({ child }: Reference, { onDelete }: ForeignKey): boolean =>
  !UNLOGGED.has(onDelete) || ('shared' in child.user && child.user.shared === 'monolith');

/** Rows of one user that a delete of a row of everybody’s takes along. */
const ofEverybody = (key: ForeignKey, what: string): Finding => ({
  ...{ level: 'warning', where: key.child, what: `${what}: ${key.parent} is everybody’s` },
  why: `whoever deletes a ${key.parent} writes rows of users of either side: ${deletes(key)} where it is deleted`,
  fix: restrict(key),
});

/** What rewrites rows of the child beside the statement that deletes a parent. */
const UNLOGGED = new Set(['CASCADE', 'SET NULL', 'SET DEFAULT']);

/** What a delete of a parent does to its children. */
function deletes({ parent, child, onDelete }: ForeignKey): string {
  if (onDelete === 'CASCADE') return `a delete of its ${parent} deletes the ${child}`;
  if (onDelete.startsWith('SET'))
    return `a delete of its ${parent} gives the ${child} the reference ${onDelete.slice(4)}`;
  return `a ${child} keeps its ${parent} from being deleted`;
}

const quote = (side: Side, name: string): string => quoted(side === 'monolith' ? 'mysql' : 'postgres', name);

const restrict = (key: ForeignKey): string =>
  `${dropForeignKey(key)} ${addForeignKey(key, 'RESTRICT')}; -- and let the application delete a ${key.child} before its ${key.parent}`;
