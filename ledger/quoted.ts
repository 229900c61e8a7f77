import type { Dialect } from './session.ts';

/** A name as it is written in a statement of this database, whatever its case and whatever is in it. */
export function quoted(dialect: Dialect, name: string): string {
  const mark = dialect === 'mysql' ? '`' : '"';
  return `${mark}${name.replaceAll(mark, mark + mark)}${mark}`;
}
