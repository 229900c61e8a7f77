/** Lines of text in columns, as wide as their widest cell; numbers to the right. */
export function textTable(head: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...lines.map((line) => line.map(String))];
  const widths = head.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
  const pad = (text: string, at: number) =>
    typeof lines[0]?.[at] === 'number' ? text.padStart(widths[at]!) : text.padEnd(widths[at]!);
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
