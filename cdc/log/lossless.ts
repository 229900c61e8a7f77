import { parse } from 'lossless-json';

/** From so many characters on, native parsing is worth its reviver: lossless-json builds a text character by character. */
const LONG = 64 * 1024;

type Native = (text: string, revive: (key: string, value: unknown, at: { source: string }) => unknown) => unknown;

/** Parses JSON, making of every number what `number` makes of its digits. Throws SyntaxError. */
export function parseLosslessly(text: string, number: (digits: string) => unknown): unknown {
  if (text.length < LONG) return parse(text, null, number);
  return (JSON.parse as Native)(text, (_, value, { source }) => (typeof value === 'number' ? number(source) : value));
}
