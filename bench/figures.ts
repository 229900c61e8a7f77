/** The value below which the share `at` (0…1) of the values lies; NaN of none. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? Number.NaN;
}

/** The middle of the values, of an even number the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return Number.isInteger(half) ? (sorted[half - 1]! + sorted[half]!) / 2 : sorted[Math.floor(half)]!;
}

/** How many times `ours` is `theirs`: the median of the rounds’ own ratios, so that noise both met cancels out. */
export const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, round) => value / theirs[round]!));

/** Three significant digits, thousands in full. */
export const rounded = (value: number): number => (value >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));

/** Lines of a table: the first column to the left, figures to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? rounded(cell).toLocaleString('en') : cell)),
  );
  const widths = texts[0]!.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!))).join('   ');
  return texts.map((row) => `  ${line(row)}`.trimEnd()).join('\n');
}
