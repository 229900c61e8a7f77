/** A reply as it goes over the wire, to be spoiled. */
export interface Wire {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** Makes a right reply wrong in one way; gives undefined where a reply has nothing of the kind. */
export type Spoil = (reply: Wire) => Wire | undefined;

/** A place in a parsed reply: the container and the key; numbers are kept as their text in `{"#": "…"}`. */
interface Spot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly value: unknown;
}

const NUMBER_IN_TEXT = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const wrapped = (text: string) =>
  JSON.parse(text.replace(NUMBER_IN_TEXT, (token) => (token.startsWith('"') ? token : `{"#":"${token}"}`)));
const unwrapped = (value: unknown) => JSON.stringify(value).replace(/\{"#":"([^"]*)"\}/g, '$1');
/** The digits of a number as they were written; undefined of anything else. */
export const digits = (value: unknown): string | undefined => {
  const text = typeof value === 'object' && value !== null ? (value as { '#'?: unknown })['#'] : undefined;
  return typeof text === 'string' ? text : undefined;
};
/** A number to be written with just these digits. */
export const number = (text: string) => ({ '#': text });

function spotsIn(value: unknown): Spot[] {
  if (typeof value !== 'object' || value === null || digits(value) !== undefined) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key, value: holder[key] }, ...spotsIn(holder[key])]);
}

/** Changes the body's JSON in place; `change` says whether it found anything to change. */
export const json =
  (change: (root: Record<string, unknown>, spots: readonly Spot[]) => boolean) =>
  (reply: Wire): Wire | undefined => {
    const root = wrapped(reply.body);
    if (!change(root, spotsIn({ root }).slice(1))) return undefined;
    const body = unwrapped(root);
    return body === unwrapped(wrapped(reply.body)) ? undefined : { ...reply, body };
  };

/** Replaces the last value that `made` gives another for; the last, because that is where a sampled look goes wrong. */
export const each = (made: (value: unknown, key: string) => unknown) =>
  json((_root, spots) => {
    for (const { holder, key, value } of spots.toReversed()) {
      const other = made(value, key);
      if (other === undefined) continue;
      holder[key] = other;
      return true;
    }
    return false;
  });

/** Replaces the last text that fits the pattern and comes out otherwise. */
export const texts = (pattern: RegExp, made: (text: string) => string) =>
  each((value) => {
    if (typeof value !== 'string' || !pattern.test(value)) return undefined;
    const other = made(value);
    return other === value ? undefined : other;
  });

/** Replaces the last integer beyond what a double holds, whether it is a number or a text. */
export const bigIntegers = (made: (text: string) => string) =>
  each((value) => {
    const text = typeof value === 'string' ? value : (digits(value) ?? '');
    if (!/^\d{16,}$/.test(text) || made(text) === text) return undefined;
    return typeof value === 'string' ? made(text) : number(made(text));
  });

/** A timestamp. */
export const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** An amount with its cents. */
export const MONEY = /^-?\d+\.\d\d$/;
/** What a person has written. */
export const WORDS = /^\p{L}[\p{L} -]*$/u;

/** True for what has members. */
export const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && digits(value) === undefined;

/** Changes the elements of the first list that has so many. */
export const arrays = (atLeast: number, change: (elements: unknown[]) => void) =>
  json((_root, spots) => {
    const list = spots.find(({ value }) => Array.isArray(value) && value.length >= atLeast);
    if (list) change(list.value as unknown[]);
    return list !== undefined;
  });

/** Takes the last member away of which this is true. */
export const removed = (where: (spot: Spot) => boolean) =>
  json((_root, spots) => {
    const spot = spots.findLast((one) => !Array.isArray(one.holder) && where(one));
    if (spot) delete spot.holder[spot.key];
    return spot !== undefined;
  });

/** A timestamp so many milliseconds later. */
export const moved = (text: string, milliseconds: number) => new Date(Date.parse(text) + milliseconds).toISOString();

/** Gives a header another value, or takes it away. */
export const header = (name: string, value: string | undefined) => (reply: Wire) => {
  if (reply.headers[name] === undefined || reply.headers[name] === value) return undefined;
  const { [name]: _, ...others } = reply.headers;
  return { ...reply, headers: value === undefined ? others : { ...others, [name]: value } };
};

/** Answers with another status. */
export const status = (code: number) => (reply: Wire) =>
  reply.status === code ? undefined : { ...reply, status: code };
