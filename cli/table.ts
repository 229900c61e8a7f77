import type { Paint, Tone } from './paint.ts';
import { clip, widthOf } from './text.ts';

/** One cell, and what it means. */
export type Cell = { readonly text: string; readonly tone?: Tone };
/** A heading; numbers stand to the right. */
export type TableColumn = { readonly title: string; readonly right?: true };

const GAP = '  ';

/** Lines of an aligned table no wider than `width`: what is too wide is taken from the last column. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const widths = columns.map(({ title }, at) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at]!.text))));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  widths[last] = Math.min(widths[last]!, Math.max(widthOf(columns[last]!.title), width - before));
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, tone }, at) => {
        const shown = clip(text, widths[at]!);
        const space = ' '.repeat(widths[at]! - widthOf(shown));
        const painted = tone ? paint(tone, shown) : shown;
        if (columns[at]!.right) return space + painted;
        return at === last ? painted : painted + space;
      })
      .join(GAP);
  return [line(columns.map(({ title }) => ({ text: title, tone: 'quiet' }))), ...rows.map(line)];
}
