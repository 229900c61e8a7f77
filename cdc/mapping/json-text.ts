import { canonicalNumber, exactDouble, isStoredInteger, shortestDouble } from './number-text.ts';

/** What a JSON document says, and what of it not every database can hold. */
export type JsonFacts = {
  /** One text for equal documents: keys in order, numbers by their digits, nothing left out. */
  readonly text: string;
  /** Every number that is no short integer, as it is in `text`. */
  readonly numbers: readonly string[];
  /** A key that one object has twice, in quotes. */
  readonly repeated: string | undefined;
  readonly depth: number;
};

/** An object (with `keys`) or an array that has begun; `next` is the key whose value comes now. */
type Frame = { readonly keys: string[] | undefined; readonly values: string[]; next: string | undefined };

const SHORT_INTEGER = /^-?\d{1,15}$/;
const LITERAL = /[-+.0-9a-zA-Z]+/y;

/**
 * Reads a document of any depth without losing a digit or a key. JSON.parse only tells whether it is one: it rounds
 * numbers, keeps one of two equal keys, and makes of 1e400 what JSON.stringify writes as null. `number` says how a number
 * is written. Throws SyntaxError.
 */
export function readJson(text: string, number: (digits: string) => string = canonicalNumber): JsonFacts {
  JSON.parse(text);
  const frames: Frame[] = [];
  const numbers: string[] = [];
  let [said, depth] = ['', 0];
  let repeated: string | undefined;
  const put = (value: string) => {
    const frame = frames.at(-1);
    if (!frame) said = value;
    else {
      frame.keys?.push(frame.next!);
      frame.values.push(value);
      frame.next = undefined;
    }
  };
  const takers: Readonly<Record<Token, (token: string) => void>> = {
    open(token) {
      frames.push({ keys: token === '{' ? [] : undefined, values: [], next: undefined });
      depth = Math.max(depth, frames.length);
    },
    close() {
      const closed = close(frames.pop()!);
      repeated ??= closed.repeated;
      put(closed.text);
    },
    string(token) {
      const string = plainly(token);
      const frame = frames.at(-1);
      if (frame?.keys && frame.next === undefined) frame.next = string;
      else put(string);
    },
    number(token) {
      const digits = number(token);
      if (!SHORT_INTEGER.test(digits)) numbers.push(digits);
      put(digits);
    },
    word: put,
    between() {},
  };
  for (let at = 0; at < text.length; ) {
    const kind = kindOf(text.charCodeAt(at));
    const end =
      kind === 'string'
        ? endOfString(text, at)
        : kind === 'number' || kind === 'word'
          ? endOfLiteral(text, at)
          : at + 1;
    takers[kind](text.slice(at, end));
    at = end;
  }
  return { text: said, numbers, repeated, depth };
}

type Token = 'open' | 'close' | 'string' | 'number' | 'word' | 'between';

/** What begins with a character, outside of strings. */
function kindOf(code: number): Token {
  if (code === 0x22) return 'string';
  if (code === 0x7b || code === 0x5b) return 'open'; // { [
  if (code === 0x7d || code === 0x5d) return 'close';
  if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return 'number'; // - and digits
  return code >= 0x61 && code <= 0x7a ? 'word' : 'between'; // true, false, null; commas, colons, spaces
}

/** A string with no more escapes than it needs. */
const plainly = (string: string): string => (string.includes('\\') ? JSON.stringify(JSON.parse(string)) : string);

function close({ keys, values }: Frame): { readonly text: string; readonly repeated: string | undefined } {
  if (!keys) return { text: `[${values.join(',')}]`, repeated: undefined };
  const order = [...keys.keys()].sort((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b));
  const repeated = order.find((at, nth) => nth > 0 && keys[at] === keys[order[nth - 1]!]);
  return {
    text: `{${order.map((at) => `${keys[at]}:${values[at]}`).join(',')}}`,
    repeated: repeated === undefined ? undefined : keys[repeated],
  };
}

/** Behind the string that begins at `from`: its last quote has an even number of backslashes before it. */
function endOfString(text: string, from: number): number {
  for (let at = from; ; ) {
    at = text.indexOf('"', at + 1);
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function endOfLiteral(text: string, from: number): number {
  LITERAL.lastIndex = from;
  return from + LITERAL.exec(text)![0].length;
}

const MAYBE_EXPANDED = /\d{17}/;

/**
 * A document of MySQL's log with its doubles as short as MySQL writes them: the connector gives every digit of the binary
 * number, fifty-eight of them for 5.684341886080802e-14. Integers and decimals keep theirs. Throws SyntaxError.
 */
export const withShortDoubles = (text: string): string =>
  MAYBE_EXPANDED.test(text) ? readJson(text, shortIfDouble).text : text;

function shortIfDouble(digits: string): string {
  const exact = canonicalNumber(digits);
  if (!MAYBE_EXPANDED.test(digits) || isStoredInteger(exact)) return exact;
  const double = shortestDouble(exact);
  return double !== undefined && exactDouble(Number(exact)) === exact ? double : exact;
}
