import type { Table } from '@strangler/plan';
import type { TableShape } from './columns.ts';

/** The columns the Plan names beside the user's. */
export const namedBy = ({ key = [], refers, touched, sameWhen = [], columns, writers, distinct }: Table): Set<string> =>
  new Set([
    ...[...key, ...Object.keys(refers), ...touched, ...sameWhen, ...Object.keys(columns), ...distinct.flat()],
    ...writers.flatMap(({ columns = [] }) => columns),
  ]);

/** What the service calls a column; one of the monolith may be called like a property of every object. */
export const counterpart = ({ columns }: Table, name: string): string =>
  Object.hasOwn(columns, name) ? columns[name]! : name;

/** Says what is wrong with the primary keys of both sides. */
export function checkKeys(
  monolith: TableShape,
  service: TableShape,
  declared: Table,
  say: (reason: string) => void,
): void {
  if (!monolith.primaryKey.length) return void say('has no primary key in the monolith');
  const expected = monolith.primaryKey.map((column) => counterpart(declared, column)).join(', ');
  if (service.primaryKey.join(', ') !== expected) {
    say(`its primary key is (${expected}) in the monolith and (${service.primaryKey.join(', ')}) in the service`);
  }
}
