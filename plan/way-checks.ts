import type { Capability } from './capability-schema.ts';
import { columnsOfWay, sayWay, tablesToUser, type Way, waysOf } from './ways.ts';

type Mistake = { readonly path: readonly (string | number)[]; readonly message: string };
type Tables = Capability['tables'];

/** What is wrong with how the rows of a table reach their user, though every field is right by itself. */
export function* mistakesOfWays(name: string, table: string, tables: Tables): Generator<Mistake> {
  const path = ['capabilities', name, 'tables', table, 'user'];
  const ways = waysOf(tables[table]!);
  for (const [nth, way] of ways.entries()) {
    const at = Array.isArray(tables[table]!.user) ? [...path, nth] : path;
    const shadow = ways.slice(0, nth).find((earlier) => isWithin(earlier, way));
    if (shadow) yield { path: at, message: `never tells a user: wherever it is set, ${sayWay(shadow)} before it is` };
    if (!('of' in way)) continue;
    const { of } = way;
    const isThere = Object.hasOwn(tables, of);
    if (!isThere) yield { path: [...at, 'of'], message: `names ${of}, which is no table of ${name}` };
    else if (tables[of]!.shared)
      yield { path: [...at, 'of'], message: `names ${of}, whose rows are everybody’s: it leads to no user` };
    else if (tablesToUser(of, tables).includes(table))
      yield {
        path: [...at, 'of'],
        message: `names ${of}, whose user is reached through ${table}: that goes round in a circle`,
      };
  }
}

const isWithin = (one: Way, other: Way): boolean =>
  columnsOfWay(one).every((column) => columnsOfWay(other).includes(column));
