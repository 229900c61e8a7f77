import { type Status, sayDuration } from '@strangler/plan';

const terminal = process.stdout.isTTY === true;
let lastLine = '';

/** Prints a line that stays. */
export function say(line: string): void {
  if (lastLine) process.stdout.write('\r\x1b[2K');
  lastLine = '';
  process.stdout.write(`${line}\n`);
}

/** In a terminal, shows a line that the next one replaces; elsewhere nothing. */
export function show(line: string): void {
  if (!terminal || line === lastLine) return;
  lastLine = line;
  process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
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
