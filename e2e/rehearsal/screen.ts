import { styleText } from 'node:util';
import { type Status, sayDuration } from '@strangler/plan';

/** A line of the picture, or one in a colour. */
export type Line = string | { readonly text: string; readonly tone: 'red' | 'green' | 'dim' };

const terminal = process.stdout.isTTY === true;
let shown: string[] = [];

/** Takes away what the next picture replaces. */
function clear(): void {
  if (!shown.length) return;
  const up = shown.length > 1 ? `\x1b[${shown.length - 1}A` : '';
  process.stdout.write(`\r${up}\x1b[J`);
  shown = [];
}

/** Prints a line that stays. */
export function say(line: string): void {
  clear();
  process.stdout.write(`${line}\n`);
}

/** In a terminal, shows a picture of one or more lines that the next one replaces; elsewhere nothing. */
export function show(...picture: readonly Line[]): void {
  if (!terminal) return;
  const width = (process.stdout.columns ?? 80) - 1;
  const lines = picture.map((line) =>
    typeof line === 'string' ? line.slice(0, width) : styleText(line.tone, line.text.slice(0, width)),
  );
  if (lines.join('\n') === shown.join('\n')) return;
  clear();
  process.stdout.write(lines.join('\n'));
  shown = lines;
}

/** Runs a chapter, showing what it does, and says how long it took. */
export async function chapter<T>(title: string, work: () => Promise<T>): Promise<{ result: T; took: number }> {
  show(`… ${title}`);
  const begun = Date.now();
  const result = await work();
  const took = Date.now() - begun;
  say(`✓ ${title} (${sayDuration(took)})`);
  return { result, took };
}
/** One line of the whole picture while the traffic runs. */
export function pictureOf(status: Status, share: number, requests: number, errors: number): string {
  const sides = status.capabilities.map(
    ({ capability, boundary, moving }) => `${capability} ${boundary / 100} %${moving ? ' …' : ''}`,
  );
  const lags = status.capabilities.flatMap(({ streams }) => streams.map(({ lag }) => lag ?? Number.POSITIVE_INFINITY));
  const lag = Math.max(0, ...lags);
  return [
    `  ${Math.floor(share * 100)} % of the purchases`,
    ...sides,
    `lag ${Number.isFinite(lag) ? sayDuration(lag) : '∞'}`,
    `${requests.toLocaleString('en')} requests`,
    `${errors} errors`,
  ].join(' · ');
}
