import { quoted } from '@strangler/ledger';
import type { UserLookup } from '@strangler/plan';
import { Enquiries } from './enquiries.ts';
import { comparedWith, lookupShape, mustCompare, mustHoldUsers, textOf } from './lookup-shape.ts';
import { once } from './once.ts';
import type { Places } from './places.ts';
import type { Reader } from './reader.ts';
import type { IdentitySource, SourceAnswer } from './source.ts';

/** Turns what another source says into the user that rows say, by the database’s own idea of what is equal. */
export function lookedUp(says: IdentitySource, lookup: UserLookup, reader: Reader, places: Places): IdentitySource {
  const enquiries = new Enquiries(reader.name);
  const statement = once(() => statementOf(lookup, reader));
  places.checkedBy(statement);
  return (asked) => {
    const find = (said: SourceAnswer): SourceAnswer | Promise<SourceAnswer> => {
      if (!said || !('user' in said)) return said;
      const { user } = said;
      return enquiries.ask([user], asked.isWrite, async () => (await statement())(user));
    };
    const said = says(asked);
    return said instanceof Promise ? said.then(find) : find(said);
  };
}

type Find = (text: string) => Promise<SourceAnswer>;

/** Throws UnfitError, the driver’s error. */
async function statementOf({ table, match, take }: UserLookup, reader: Reader): Promise<Find> {
  const shape = await lookupShape(reader, table);
  const [matched, taken] = [shape.column(match), shape.column(take)];
  mustCompare(matched, table);
  mustHoldUsers(taken, table);
  const name = (column: string) => quoted(reader.dialect, column);
  // Two are enough to know that there is more than one.
  const sql = `SELECT ${name(take)} AS taken FROM ${shape.quoted} WHERE ${name(match)} = ? LIMIT 2`;
  return async (text) => {
    const compared = comparedWith(matched, text);
    if (compared === 'none') return undefined;
    if (!compared) return { unreadable: `what it says is nothing that ${table}.${match} can hold` };
    const [row, another] = await reader.rows<{ taken: unknown }>(sql, [compared.value]);
    if (!row) return undefined;
    if (another) return { unreadable: `${table} has more than one row for what it says` };
    return row.taken === null
      ? { unreadable: `${table}.${take} is NULL for what it says` }
      : { user: textOf(row.taken) };
  };
}
