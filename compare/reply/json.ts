import { randomUUID } from 'node:crypto';

/** A parsed JSON value in which no number has lost a digit. */
export type Json = null | boolean | number | string | ExactNumber | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

/** A JSON number that no double holds exactly, such as a BIGINT beyond 2^53: kept as it was written. */
export class ExactNumber {
  readonly text: string;
  /** Equal numbers have equal canonical texts: `10e399` and `1e400`. */
  readonly canonical: string;

  constructor(text: string) {
    this.text = text;
    this.canonical = canonicalDecimal(text);
  }
}

// Up to 15 significant digits with a small exponent always survive a double, and almost every reply holds nothing
// else: those go through V8's own parser, which is fast and does not recurse.
const MAY_LOSE_DIGITS = /\d[\d.]{15}|\d[eE][+-]?\d{3}/g;
const LONG_EXPONENT = /\d[eE][+-]?\d{3}/;
const NUMBER_CHARACTER = /[-+.\deE]/;
const COLON = /\s*:/y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Parses JSON of any depth without losing digits. The last of two equal names wins. Throws SyntaxError for what is not JSON. */
export function parseJson(text: string): Json {
  if (!hasLongRun(text) && text.search(LONG_EXPONENT) < 0) return JSON.parse(text) as Json;
  const kept = setAside(text);
  const root = [JSON.parse(kept.text) as Json];
  if (kept.numbers.size > 0) putBack(root, kept.numbers);
  return root[0]!;
}

const LONG_RUN = 16;

/**
 * True if so many digits or points stand in a row. Such a run has one at a 16th place of the text and another eight
 * places before or behind it, so one character of sixteen is looked at, and a few of those around: many times as fast
 * as a RegExp.
 */
function hasLongRun(text: string): boolean {
  for (let at = LONG_RUN - 1; at < text.length; at += LONG_RUN) {
    if (!isInRun(text, at) || !(isInRun(text, at - LONG_RUN / 2) || isInRun(text, at + LONG_RUN / 2))) continue;
    let [from, to] = [at, at];
    while (isInRun(text, from - 1)) from--;
    while (isInRun(text, to + 1)) to++;
    if (to - from >= LONG_RUN - 1) return true;
  }
  return false;
}

/** True for a digit and a point; false beyond the ends of the text. */
function isInRun(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 46 && code <= 57 && code !== 47;
}

/** JSON text in which every digit stands that was parsed. */
export function stringifyJson(value: unknown): string {
  const numbers = new Map<string, string>();
  const mark = randomUUID();
  const text = JSON.stringify(value, (_name, inside) => {
    if (!(inside instanceof ExactNumber)) return inside;
    const name = `${mark}/${numbers.size}`;
    numbers.set(name, inside.text);
    return name;
  });
  return numbers.size === 0
    ? text
    : text.replaceAll(new RegExp(`"(${mark}/\\d+)"`, 'g'), (_, name) => numbers.get(name)!);
}

interface SetAside {
  readonly text: string;
  readonly numbers: ReadonlyMap<string, ExactNumber>;
}

/**
 * Numbers that a double would spoil become texts that nobody can guess, so that V8's parser may do the work; only
 * whole, valid numbers outside of texts and names, so that what is not JSON stays so.
 */
function setAside(text: string): SetAside {
  const numbers = new Map<string, ExactNumber>();
  const mark = randomUUID();
  const parts: string[] = [];
  let copied = 0;
  const texts = new Texts(text);
  MAY_LOSE_DIGITS.lastIndex = 0;
  for (let match = MAY_LOSE_DIGITS.exec(text); match; match = MAY_LOSE_DIGITS.exec(text)) {
    const [from, to] = wholeToken(text, match.index, copied);
    const end = texts.endOfThoseBefore(from);
    MAY_LOSE_DIGITS.lastIndex = Math.max(to, end);
    const token = text.slice(from, to);
    if (from < end || !NUMBER.test(token) || isName(text, to)) continue;
    const exact = parseNumber(token);
    if (typeof exact === 'number') continue;
    const name = `${mark}/${numbers.size}`;
    numbers.set(name, exact);
    parts.push(text.slice(copied, from), `"${name}"`);
    copied = to;
  }
  return { text: parts.join('') + text.slice(copied), numbers };
}

/** From where to where characters of numbers stand around a place; not before `earliest`. */
function wholeToken(text: string, at: number, earliest: number): readonly [from: number, to: number] {
  let [from, to] = [at, at];
  while (from > earliest && NUMBER_CHARACTER.test(text[from - 1]!)) from--;
  while (to < text.length && NUMBER_CHARACTER.test(text[to]!)) to++;
  return [from, to];
}

/** True if a colon follows, so that what stands before it would be a name. */
function isName(text: string, end: number): boolean {
  COLON.lastIndex = end;
  return COLON.test(text);
}

/** Finds its way through the texts of a JSON document from the first to the last, seeing every character once. */
class Texts {
  readonly #json: string;
  #end = 0;
  #next: number;

  constructor(json: string) {
    this.#json = json;
    this.#next = json.indexOf('"');
  }

  /** Where the last text ends that begins before this place; the place may not go back. */
  endOfThoseBefore(place: number): number {
    while (this.#next >= 0 && this.#next < place) {
      this.#end = this.#endOf(this.#next);
      this.#next = this.#json.indexOf('"', this.#end);
    }
    return this.#end;
  }

  #endOf(begin: number): number {
    let end = this.#json.indexOf('"', begin + 1);
    while (end >= 0) {
      let backslashes = 0;
      while (this.#json[end - 1 - backslashes] === '\\') backslashes++;
      if (backslashes % 2 === 0) return end + 1;
      end = this.#json.indexOf('"', end + 1);
    }
    return this.#json.length;
  }
}

function putBack(root: Json[], numbers: ReadonlyMap<string, ExactNumber>): void {
  const open: (Json[] | Record<string, Json>)[] = [root];
  for (let container = open.pop(); container; container = open.pop()) {
    const members = container as Record<string, Json>;
    for (const name of Object.keys(members)) {
      const value = members[name]!;
      if (typeof value === 'object' && value !== null) open.push(value as Record<string, Json>);
      else if (typeof value === 'string' && numbers.has(value)) {
        // Defined, not assigned: the name may be __proto__.
        Object.defineProperty(members, name, {
          value: numbers.get(value),
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
    }
  }
}

/** The number a JSON number token stands for: a double if that loses nothing, else an ExactNumber. */
export function parseNumber(token: string): number | ExactNumber {
  const double = Number(token);
  if (token.length <= 15 && !/[eE]/.test(token)) return double;
  const survives = Number.isFinite(double) && canonicalDecimal(String(double)) === canonicalDecimal(token);
  return survives ? double : new ExactNumber(token);
}

export function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof ExactNumber) return 'number';
  return typeof value as JsonType;
}

/** True for what holds other values: an array or an object. */
export const isContainer = (value: Json | undefined): value is readonly Json[] | JsonObject =>
  typeof value === 'object' && value !== null && !(value instanceof ExactNumber);

/** `-0120.50e1` becomes `-1205e0`: sign, digits without outer zeros, power of ten. */
function canonicalDecimal(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end--; // a RegExp would look at every run of zeros from each of its places
  const significant = digits.slice(0, end);
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
