/** `████░░░░` for a boundary of 0…10000; full and empty are exact: one user elsewhere shows. */
export function bar(boundary: number, cells: number): string {
  const share = (boundary / 10_000) * cells;
  const full = boundary >= 10_000 ? cells : Math.min(cells - 1, Math.max(boundary > 0 ? 1 : 0, Math.round(share)));
  return '█'.repeat(full) + '░'.repeat(cells - full);
}
