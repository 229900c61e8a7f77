import { quoted, type Session } from '@strangler/ledger';
import type { Capability, Side } from '@strangler/plan';
import type { Column, TableShape } from './columns.ts';
import { MYSQL_EXACT } from './columns.ts';
import { counterpart } from './declared.ts';
import { type ForeignKey, readForeignKeys } from './foreign-keys.ts';
import { kindOf } from './kind-of.ts';
import { addForeignKey, createUniqueKey, dropForeignKey, modifyColumn } from './modify.ts';
import type { Kind } from './value-kinds.ts';

type Say = (reason: string) => void;
type Pair = Readonly<Record<Side, Column>>;
type NamedPair = { readonly name: string; readonly kind: Kind } & Pair;

/** What the catalog of one side says of a table that is shared by key. */
export type KeyFacts = {
  /** True if the database gives a row without an id one of its own. */
  readonly allocates: boolean;
  /** The columns of each unique key that holds for every row, by that side's names. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** The foreign keys that lead to its id. */
  readonly heldBy: readonly ForeignKey[];
};

/** A column elsewhere that holds ids of a table that is shared by key, by each side's names. */
export type HeldId = Readonly<Record<Side, { readonly table: string; readonly column: string }>>;

const MYSQL_ALLOCATES = `SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = ?
  AND (EXTRA LIKE '%auto_increment%' OR EXTRA LIKE '%DEFAULT_GENERATED%')`;
const POSTGRES_ALLOCATES = `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?)) AND attname = ?
  AND (attidentity <> '' OR atthasdef)`;
const MYSQL_UNIQUE = `SELECT INDEX_NAME AS name, COLUMN_NAME AS part FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0 AND INDEX_NAME NOT IN (
    SELECT INDEX_NAME FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND (COLUMN_NAME IS NULL OR SUB_PART IS NOT NULL))
  ORDER BY INDEX_NAME, SEQ_IN_INDEX`;
const POSTGRES_UNIQUE = `SELECT i.indexrelid::text AS name, a.attname AS part FROM pg_index i
    CROSS JOIN generate_series(1, i.indnkeyatts::int) AS k(at)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.at - 1]
  WHERE i.indrelid = to_regclass(quote_ident(?)) AND i.indrelid = to_regclass(quote_ident(?)) AND i.indisunique AND i.indisvalid
    AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY 1, k.at`;

/** Reads them; `id` is the column of the table's primary key. */
export async function readKeyFacts(session: Session, table: string, id: string): Promise<KeyFacts> {
  const isMysql = session.dialect === 'mysql';
  const { rows } = await session.query(isMysql ? MYSQL_ALLOCATES : POSTGRES_ALLOCATES, [table, id]);
  const keys = await session.query<{ name: string; part: string }>(isMysql ? MYSQL_UNIQUE : POSTGRES_UNIQUE, [
    table,
    table,
  ]);
  const uniqueKeys = [...Map.groupBy(keys.rows, ({ name }) => name).values()];
  const foreignKeys = await readForeignKeys(session, isMysql ? 'monolith' : 'service');
  return {
    allocates: rows.length > 0,
    uniqueKeys: uniqueKeys.map((all) => all.map(({ part }) => part)),
    heldBy: foreignKeys.filter(({ parent, pairs }) => parent === table && pairs.some(([, to]) => to === id)),
  };
}

/** Kinds of which each database tells values apart exactly as their texts do. */
const KEYS: ReadonlySet<Kind['name']> = new Set(['integer', 'uuid', 'text', 'binary', 'date']);
const IDS: ReadonlySet<Kind['name']> = new Set(['integer', 'uuid', 'text']);

/** The id of a table that is shared by key: one column on each side, filled by that side. Says what is wrong with it. */
export function ownIdOf(shapes: Readonly<Record<Side, TableShape>>, say: Say): NamedPair | undefined {
  const [monolith, service] = [idOf(shapes.monolith), idOf(shapes.service)];
  for (const [side, id] of [['monolith', monolith] as const, ['service', service] as const])
    if (!id)
      say(
        `is shared by key, and its primary key in the ${side} is (${shapes[side].primaryKey.join(', ')}): each side gives out ids by itself only where that is one column`,
      );
  if (!monolith || !service) return undefined;
  const kind = kindOf(monolith, service);
  if (kind && IDS.has(kind.name)) return { name: monolith.name, kind, monolith, service };
  say(
    `its id ${monolith.name} is ${monolith.type} in the monolith and ${service.name} is ${service.type} in the service; make both numbers, or both texts`,
  );
  return undefined;
}

function idOf({ primaryKey, columns }: TableShape): Column | undefined {
  return primaryKey.length === 1 ? columns.find(({ name }) => name === primaryKey[0]) : undefined;
}

/** Says what keeps two rows with one key from being one: both sides must tell keys apart, and alike. */
export function checkNaturalKey(
  tables: Readonly<Record<Side, string>>,
  id: NamedPair,
  key: readonly NamedPair[],
  facts: Readonly<Record<Side, KeyFacts>>,
  say: Say,
): void {
  for (const side of ['monolith', 'service'] as const) {
    const own = key.map((column) => column[side].name);
    const called = `(${own.join(', ')})`;
    if (!facts[side].allocates)
      say(`the ${side} does not give its rows an id by itself: ${allocating(side, tables[side], id, facts[side])}`);
    const isThere = facts[side].uniqueKeys.some(
      (one) => one.length === own.length && own.every((c) => one.includes(c)),
    );
    const long = side === 'monolith' ? key.find((column) => /text|blob/.test(column.monolith.type)) : undefined;
    if (long)
      say(`its key holds ${long.name}, a ${long.monolith.type}, of which MySQL has no unique key; make it VARCHAR`);
    else if (!isThere)
      say(
        `is shared by its key ${called}, which is not unique in the ${side}: ${createUniqueKey(side, tables[side], own)}`,
      );
  }
  for (const column of key) checkKeyColumn(column, tables, say);
}

/** Characters of a UUID. */
const UUID = 36;

/** The statements after which a side gives its rows ids by itself. */
function allocating(side: Side, table: string, { kind, [side]: id }: NamedPair, { heldBy }: KeyFacts): string {
  if (kind.name !== 'integer' && (id.length ?? UUID) < UUID)
    return `make ${id.name} and what refers to it ${UUID} characters long, so that it takes a UUID`;
  if (side === 'service') {
    const alter = `ALTER TABLE ${quoted('postgres', table)} ALTER COLUMN ${quoted('postgres', id.name)}`;
    if (kind.name !== 'integer')
      return `${alter} SET DEFAULT gen_random_uuid()${kind.name === 'text' ? '::text' : ''};`;
    return `${alter} ADD GENERATED BY DEFAULT AS IDENTITY; -- then RESTART it above the ids that are there`;
  }
  const filledBy = kind.name === 'integer' ? 'AUTO_INCREMENT' : 'DEFAULT (UUID())';
  const modify = modifyColumn(table, id, { filledBy });
  // MySQL changes no column that a foreign key leads to.
  const again = heldBy.map((key) => {
    const onUpdate = key.onUpdate && key.onUpdate !== 'NO ACTION' ? ` ON UPDATE ${key.onUpdate}` : '';
    return `${addForeignKey(key, key.onDelete)}${onUpdate};`;
  });
  return [...heldBy.map(dropForeignKey), modify, ...again].join(' ');
}

function checkKeyColumn(
  { name, kind, monolith, service }: NamedPair,
  tables: Readonly<Record<Side, string>>,
  say: Say,
) {
  if (!KEYS.has(kind.name)) return say(`its key holds ${name}, a ${kind.name}, of which one value has several texts`);
  const isLoose = kind.name === 'text' && monolith.loose === true && monolith.type !== 'enum';
  if (isLoose || monolith.nullable) {
    const what = isLoose
      ? `the monolith's ${monolith.collation ?? 'collation'} takes texts for equal that the service tells apart`
      : 'it may be NULL in the monolith';
    const alter = modifyColumn(tables.monolith, monolith, {
      ...(isLoose && { charset: 'utf8mb4', collation: MYSQL_EXACT }),
      notNull: true,
    });
    say(`its key holds ${name}, and ${what}, so that it does not say what is the same thing: ${alter}`);
  }
  if (!service.nullable) return;
  const [table, column] = [tables.service, service.name].map((one) => quoted('postgres', one));
  say(
    `its key holds ${name}, and it may be NULL in the service, so that it does not say what is the same thing: ALTER TABLE ${table} ALTER COLUMN ${column} SET NOT NULL;`,
  );
}

/** Where the Plan says that ids of a table are. */
export const holdersOf = (tables: Capability['tables'], parent: string): HeldId[] =>
  Object.entries(tables).flatMap(([name, declared]) =>
    Object.entries(declared.refers)
      .filter(([, to]) => to === parent)
      .map(([column]) => ({
        monolith: { table: name, column },
        service: { table: declared.to ?? name, column: counterpart(declared, column) },
      })),
  );

/**
 * Foreign keys that lead to an id which each side gives out itself, from columns of which the Plan does not say so: what they
 * hold would be carried as it is, and be another row's id on the other side.
 */
export function unsaidReferences(
  tables: Capability['tables'],
  ids: ReadonlyMap<string, Pair>,
  foreignKeys: readonly ForeignKey[],
): string[] {
  const reasons = foreignKeys.flatMap(({ side, name, child, parent, pairs }) => {
    const on = (table: string) =>
      Object.entries(tables).find(
        ([monolith, { to }]) => (side === 'monolith' ? monolith : (to ?? monolith)) === table,
      );
    const [below, above] = [on(child), on(parent)];
    const id = above && ids.get(above[0]);
    if (!below || !id) return [];
    const [table, declared] = below;
    return pairs.flatMap(([from, to]) => {
      if (to !== id[side].name) return [];
      const own =
        Object.entries(declared.columns).find(([, there]) => side === 'service' && there === from)?.[0] ?? from;
      if (declared.shared === 'by-key')
        return [
          `${table}: foreign key ${name} of the ${side} leads from ${from} to ${above[0]}, whose ids are each side's own, and a table that is ` +
            `shared by key cannot carry such ids: shared: monolith for ${table}, or keep what ${from} says in another table`,
        ];
      const said = Object.hasOwn(declared.refers, own) ? declared.refers[own] : undefined;
      if (said === above[0]) return [];
      const line = `refers: { ${own}: ${above[0]} } under tables.${table} of the Plan`;
      return [
        said === undefined
          ? `${table}: foreign key ${name} of the ${side} leads from ${from} to ${above[0]}, whose ids are each side's own: ${line}`
          : `${table}: foreign key ${name} of the ${side} leads from ${from} to ${above[0]}, and the Plan says that it refers to ${said}: ${line}`,
      ];
    });
  });
  return [...new Set(reasons)];
}
