import { canonicalNumber, exactDouble, isStoredInteger, shortestDouble } from './number-text.ts';

/** What a JSON document says, and what of it not every database can hold. */
export type JsonFacts = {
  /** One text for equal documents: keys in order, numbers by their digits, nothing left out. */
  readonly text: string;
  /** Every number that is no short integer, as it stands in `text`. */
  readonly numbers: readonly string[];
  /** A key that one object has twice, in quotes. */
  readonly repeated: string | undefined;
  readonly depth: number;
};

/** An object or an array that has begun: its entries, by key if it has keys, and the key whose value comes next. */
type Frame = { readonly object: boolean; readonly entries: Entry[]; next: string | undefined };
type Entry = { readonly key: string; readonly value: string };

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
      frame.entries.push({ key: frame.next ?? '', value });
      frame.next = undefined;
    }
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    let end = at + 1;
    if (char === '{' || char === '[') {
      frames.push({ object: char === '{', entries: [], next: undefined });
      depth = Math.max(depth, frames.length);
    } else if (char === '}' || char === ']') {
      const frame = frames.pop()!;
      repeated ??= repeatedIn(frame);
      put(close(frame));
    } else if (char === '"') {
      end = endOfString(text, at);
      const string = plainly(text.slice(at, end));
      const frame = frames.at(-1);
      if (frame?.object && frame.next === undefined) frame.next = string;
      else put(string);
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      end = endOfLiteral(text, at);
      const digits = number(text.slice(at, end));
      if (!SHORT_INTEGER.test(digits)) numbers.push(digits);
      put(digits);
    } else if (char >= 'a' && char <= 'z') {
      end = endOfLiteral(text, at);
      put(text.slice(at, end));
    }
    at = end;
  }
  return { text: said, numbers, repeated, depth };
}

/** A string with no more escapes than it needs. */
const plainly = (string: string): string => (string.includes('\\') ? JSON.stringify(JSON.parse(string)) : string);

function close({ object, entries }: Frame): string {
  if (!object) return `[${entries.map(({ value }) => value).join(',')}]`;
  entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)); // of two equal keys the first stays the first
  return `{${entries.map(({ key, value }) => `${key}:${value}`).join(',')}}`;
}

function repeatedIn({ object, entries }: Frame): string | undefined {
  const keys = new Set<string>();
  for (const { key } of object ? entries : []) {
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
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
