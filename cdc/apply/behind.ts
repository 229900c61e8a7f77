import { type Session, waitingImages } from '@strangler/ledger';
import type { MappedTable, Row } from '../mapping/mapping.ts';
import { pathOf } from '../mapping/user-column.ts';
import { changesTo, nameOf, type Rows } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';

/**
 * What makes the rows of one side what these images say, once everything has been applied that waits in the stream's
 * quarantine: what only that will bring goes as well.
 */
export async function changesBehind(
  session: Session,
  stream: string,
  rows: Rows,
  roots: readonly RootImage[],
): Promise<Change[]> {
  const changes = await changesTo(rows, roots);
  const said = new Set(changes.map(({ table, before, after }) => nameOf(table, (after ?? before)!)));
  const aggregates = roots.map(({ table, key }) => nameOf(rows.mapping.get(table)!, key));
  const gone = (await waitingImages(session, stream, aggregates)).flatMap(({ table: name, image }): Change[] => {
    const table = rows.mapping.get(name);
    const row = table && placeOf(table, JSON.parse(image) as Row);
    if (!row || said.has(nameOf(table, row))) return [];
    said.add(nameOf(table, row));
    return [{ table, before: row, after: null }];
  });
  return [...gone, ...changes];
}

/** What of a row says which it is and where it belongs: the rest may have been cut (quarantine/cut.ts). */
function placeOf(table: MappedTable, row: Row): Row {
  const columns = [...table.key, ...pathOf(table.user)];
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
}
