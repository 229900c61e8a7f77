import { quoted } from '@strangler/ledger';
import { type Capability, type Side, type UserSource, wayToUser } from '@strangler/plan';
import { Enquiries, UnfitError } from './enquiries.ts';
import { comparedWith, type LookupShape, lookupShape, mustCompare, mustHoldUsers, textOf } from './lookup-shape.ts';
import { once } from './once.ts';
import type { Places } from './places.ts';
import type { Reader } from './reader.ts';
import type { IdentitySource } from './source.ts';

type Settings = Extract<UserSource, { row: unknown }>;
type Tables = Capability['tables'];

/** A user; null: the row is of nobody there, or its parent is missing; undefined: there is no such row. */
type RowUser = string | null | undefined;
type FindUser = (text: string) => Promise<RowUser | 'unreadable'>;

/**
 * The user of the row that a parameter of the path names. It is looked for in the monolith first; one that is not there
 * may have been born on the service, and not arrived yet.
 */
export function rowSource(
  settings: Settings,
  tables: Tables,
  readers: Readonly<Record<Side, Reader>>,
  places: Places,
): IdentitySource {
  const { row, from } = settings;
  const enquiries = new Enquiries(`${readers.monolith.name} or ${readers.service.name}`);
  const sides = (['monolith', 'service'] as const).map((side) =>
    once(() => statementOf(settings, tables, side, readers[side])),
  );
  for (const side of sides) places.checkedBy(side);
  const find = async (text: string) => {
    let found: RowUser;
    for (const side of sides) {
      const user = await (await side())(text);
      if (user === 'unreadable') return { unreadable: `:${from} is nothing that ${row}.${settings.by} can hold` };
      if (typeof user === 'string') return { user };
      if (user === null) found = null;
    }
    const isWrong = found === null && !tables[wayToUser(row, tables).at(-1)!]!.unowned;
    return isWrong ? { unreadable: `the row of ${row} that :${from} names has no user` } : undefined;
  };
  return ({ parameters, isWrite }) => {
    if (!parameters) return { unreadable: 'the path can be read in two ways' };
    const text = parameters.get(from);
    return text === undefined ? undefined : enquiries.ask([text], isWrite, () => find(text));
  };
}

/** How the user of a row is found on one side. Throws UnfitError, the driver’s error. */
async function statementOf({ row, by }: Settings, tables: Tables, side: Side, reader: Reader): Promise<FindUser> {
  const way = wayToUser(row, tables);
  const columnOf = (table: string, column: string) =>
    side === 'monolith' ? column : (tables[table]!.columns[column] ?? column);
  const tableOf = (table: string) => (side === 'monolith' ? table : (tables[table]!.to ?? table));
  const name = (at: number, column: string) => `t${at}.${quoted(reader.dialect, column)}`;
  const shapes: LookupShape[] = [];
  for (const table of way) shapes.push(await lookupShape(reader, tableOf(table)));

  const key = shapes[0]!.column(columnOf(row, by));
  mustCompare(key, tableOf(row));
  if (!key.isUnique) {
    const why = 'it may name rows of several users; a row is looked for by a column with a unique index of its own';
    throw new UnfitError(`${tableOf(row)}.${key.name} in ${reader.name} is not unique: ${why}`);
  }
  const joins = way.slice(0, -1).map((child, at) => {
    const { through } = tables[child]!.user as { through: string };
    const [column, parent] = [shapes[at]!.column(columnOf(child, through)), shapes[at + 1]!];
    return ` LEFT JOIN ${parent.quoted} t${at + 1} ON ${name(at + 1, parent.key().name)} = ${name(at, column.name)}`;
  });
  const last = way.at(-1)!;
  const { user } = tables[last]!;
  if (typeof user !== 'string') throw new UnfitError(`${last} leads to no table with a column for its user`);
  const holder = shapes.at(-1)!.column(columnOf(last, user));
  mustHoldUsers(holder, tableOf(last));
  const sql =
    `SELECT ${name(way.length - 1, holder.name)} AS taken FROM ${shapes[0]!.quoted} t0${joins.join('')} ` +
    `WHERE ${name(0, key.name)} = ? LIMIT 1`;
  return async (text) => {
    const compared = comparedWith(key, text);
    if (!compared) return 'unreadable';
    const [found] = compared === 'none' ? [] : await reader.rows<{ taken: unknown }>(sql, [compared.value]);
    return found && (found.taken === null ? null : textOf(found.taken));
  };
}
