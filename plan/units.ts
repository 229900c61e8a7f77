const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = { B: 1, kB: 1e3, KiB: 2 ** 10, MB: 1e6, MiB: 2 ** 20, GB: 1e9, GiB: 2 ** 30 };

function parseUnit(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text);
  const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined;
  return unit === undefined ? undefined : Number(match![1]) * unit;
}

/** Reads `500ms`, `2s`, `10m`, `1h` or `1d` as milliseconds; undefined if it is none. */
export const parseDuration = (text: string): number | undefined => parseUnit(text, MILLISECONDS);

/** Reads `16KiB` or `1MB` as bytes; undefined if it is no size. */
export const parseSize = (text: string): number | undefined => parseUnit(text, BYTES);

/** Reads `5%` or `0.5 %` as a fraction of one; undefined if it is no percentage between 0 % and 100 %. */
export function parsePercentage(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const fraction = match ? Number(match[1]) / 100 : Number.NaN;
  return fraction <= 1 ? fraction : undefined;
}

/** True of a percentage of users: 0…100 in steps of 0.01, which is a bucket. */
export const isUserPercentage = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 100 && Math.abs(value * 100 - Math.round(value * 100)) < 1e-6;

/** Milliseconds as people say them: `340 ms`, `12.3 s`, `4 min 5 s`. */
export function sayDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds % 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds / 60} min`;
}
