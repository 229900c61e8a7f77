/** A reply as it goes over the wire, to be spoiled. */
export interface Wire {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** A kind of regression; `spoil` gives undefined where a reply has nothing of the kind. */
export interface Regression {
  readonly name: string;
  readonly about:
    | 'status'
    | 'header'
    | 'removed'
    | 'added'
    | 'type'
    | 'value'
    | 'precision'
    | 'time'
    | 'order'
    | 'ids'
    | 'body';
  readonly spoil: (reply: Wire) => Wire | undefined;
}

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
const digits = (value: unknown): string | undefined => {
  const text = typeof value === 'object' && value !== null ? (value as { '#'?: unknown })['#'] : undefined;
  return typeof text === 'string' ? text : undefined;
};
const number = (text: string) => ({ '#': text });

function spotsIn(value: unknown): Spot[] {
  if (typeof value !== 'object' || value === null || digits(value) !== undefined) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key, value: holder[key] }, ...spotsIn(holder[key])]);
}

/** Changes the body's JSON in place; `change` says whether it found anything to change. */
const json =
  (change: (root: Record<string, unknown>, spots: readonly Spot[]) => boolean) =>
  (reply: Wire): Wire | undefined => {
    const root = wrapped(reply.body);
    if (!change(root, spotsIn({ root }).slice(1))) return undefined;
    const body = unwrapped(root);
    return body === unwrapped(wrapped(reply.body)) ? undefined : { ...reply, body };
  };

/** Replaces the last value that `made` gives another for; the last, because that is where a sampled look goes wrong. */
const each = (made: (value: unknown, key: string) => unknown) =>
  json((_root, spots) => {
    for (const { holder, key, value } of spots.toReversed()) {
      const other = made(value, key);
      if (other === undefined) continue;
      holder[key] = other;
      return true;
    }
    return false;
  });

const texts = (pattern: RegExp, made: (text: string) => string) =>
  each((value) => {
    if (typeof value !== 'string' || !pattern.test(value)) return undefined;
    const other = made(value);
    return other === value ? undefined : other;
  });
/** Whether they are numbers or texts. */
const bigIntegers = (made: (text: string) => string) =>
  each((value) => {
    const text = typeof value === 'string' ? value : (digits(value) ?? '');
    if (!/^\d{16,}$/.test(text) || made(text) === text) return undefined;
    return typeof value === 'string' ? made(text) : number(made(text));
  });
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const MONEY = /^-?\d+\.\d\d$/;
const WORDS = /^\p{L}[\p{L} -]*$/u;
const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && digits(value) === undefined;
const array = (spots: readonly Spot[], atLeast: number) =>
  spots.map(({ value }) => value).find((value) => Array.isArray(value) && value.length >= atLeast) as
    | unknown[]
    | undefined;
const arrays = (atLeast: number, change: (elements: unknown[]) => void) =>
  json((_root, spots) => {
    const elements = array(spots, atLeast);
    if (elements) change(elements);
    return elements !== undefined;
  });
const moved = (text: string, milliseconds: number) => new Date(Date.parse(text) + milliseconds).toISOString();
const header = (name: string, value: string | undefined) => (reply: Wire) => {
  if (reply.headers[name] === undefined || reply.headers[name] === value) return undefined;
  const { [name]: _, ...others } = reply.headers;
  return { ...reply, headers: value === undefined ? others : { ...others, [name]: value } };
};
const status = (code: number) => (reply: Wire) => (reply.status === code ? undefined : { ...reply, status: code });
const removed = (where: (spot: Spot) => boolean) =>
  json((_root, spots) => {
    const spot = spots.findLast((one) => !Array.isArray(one.holder) && where(one));
    if (spot) delete spot.holder[spot.key];
    return spot !== undefined;
  });

export const REGRESSIONS: readonly Regression[] = [
  { name: 'answers 500', about: 'status', spoil: status(500) },
  { name: 'answers 404', about: 'status', spoil: status(404) },
  { name: 'answers 201', about: 'status', spoil: status(201) },
  { name: 'answers 202', about: 'status', spoil: status(202) },
  { name: 'answers 302', about: 'status', spoil: status(302) },
  { name: 'answers 403', about: 'status', spoil: status(403) },

  { name: 'says it is HTML', about: 'header', spoil: header('content-type', 'text/html; charset=utf-8') },
  { name: 'says it is another JSON', about: 'header', spoil: header('content-type', 'application/problem+json') },
  { name: 'forgets where the new thing is', about: 'header', spoil: header('location', undefined) },
  { name: 'points to an internal host', about: 'header', spoil: header('location', 'http://10.0.0.7:3001/orders/7') },
  { name: 'lets the answer be cached', about: 'header', spoil: header('cache-control', 'public, max-age=3600') },
  { name: 'forgets cache-control', about: 'header', spoil: header('cache-control', undefined) },
  { name: 'forgets the ETag', about: 'header', spoil: header('etag', undefined) },
  { name: 'calls a cookie otherwise', about: 'header', spoil: header('set-cookie', 'session=1; HttpOnly; Secure') },
  { name: 'leaves a cookie to scripts', about: 'header', spoil: header('set-cookie', 'sid=1; Secure') },
  { name: 'forgets the next page', about: 'header', spoil: header('link', undefined) },
  { name: 'counts otherwise', about: 'header', spoil: header('x-total-count', '4') },
  { name: 'lets every origin in', about: 'header', spoil: header('access-control-allow-origin', '*') },

  { name: 'lacks a member', about: 'removed', spoil: removed(({ value }) => typeof value === 'string') },
  { name: 'lacks a number', about: 'removed', spoil: removed(({ value }) => digits(value) !== undefined) },
  { name: 'lacks a truth value', about: 'removed', spoil: removed(({ value }) => typeof value === 'boolean') },
  { name: 'lacks an object', about: 'removed', spoil: removed(({ value }) => isObject(value)) },
  { name: 'lacks a list', about: 'removed', spoil: removed(({ value }) => Array.isArray(value)) },
  { name: 'lacks everything', about: 'removed', spoil: (reply) => ({ ...reply, body: '{}' }) },
  { name: 'lacks the first element', about: 'removed', spoil: arrays(2, (elements) => elements.shift()) },
  { name: 'lacks the last element', about: 'removed', spoil: arrays(2, (elements) => elements.pop()) },
  { name: 'lacks one in the middle', about: 'removed', spoil: arrays(3, (elements) => elements.splice(1, 1)) },
  { name: 'has an empty list', about: 'removed', spoil: arrays(1, (elements) => elements.splice(0)) },

  {
    name: 'has a member more',
    about: 'added',
    spoil: json((root) => Object.assign(root, { internal: true }) !== null),
  },
  {
    name: 'has a member more in one element',
    about: 'added',
    spoil: arrays(2, (elements) => {
      if (isObject(elements.at(-1))) Object.assign(elements.at(-1) as object, { __version: 0 });
      else elements.push({ __version: 0 });
    }),
  },
  {
    name: 'has an element twice',
    about: 'added',
    spoil: arrays(1, (elements) => elements.push(structuredClone(elements[0]))),
  },
  {
    name: 'has an element more at the beginning',
    about: 'added',
    spoil: arrays(1, (elements) => elements.unshift(null)),
  },

  {
    name: 'gives a number as a text',
    about: 'type',
    spoil: each((value, key) => (/count|quantity/.test(key) ? digits(value) : undefined)),
  },
  {
    name: 'gives a text as a number',
    about: 'type',
    spoil: each((value, key) => (key === 'sku' && typeof value === 'string' ? number('7') : undefined)),
  },
  {
    name: 'gives a truth value as a number',
    about: 'type',
    spoil: each((value, key) =>
      /urgent|retry/.test(key) && typeof value === 'boolean' ? number(value ? '1' : '0') : undefined,
    ),
  },
  {
    name: 'gives a truth value as a text',
    about: 'type',
    spoil: each((value) => (typeof value === 'boolean' ? String(value) : undefined)),
  },
  { name: 'gives null as an empty text', about: 'type', spoil: each((value) => (value === null ? '' : undefined)) },
  { name: 'gives null as a text', about: 'type', spoil: each((value) => (value === null ? 'null' : undefined)) },
  { name: 'gives null as 0', about: 'type', spoil: each((value) => (value === null ? number('0') : undefined)) },
  { name: 'gives null as false', about: 'type', spoil: each((value) => (value === null ? false : undefined)) },
  {
    name: 'gives a number as null',
    about: 'type',
    spoil: each((value) => (digits(value) === undefined ? undefined : null)),
  },
  {
    name: 'gives a text as null',
    about: 'type',
    spoil: each((value) => (typeof value === 'string' ? null : undefined)),
  },
  { name: 'gives NaN', about: 'type', spoil: each((value) => (digits(value) === undefined ? undefined : 'NaN')) },
  { name: 'gives an object as a list', about: 'type', spoil: each((value) => (isObject(value) ? [value] : undefined)) },
  {
    name: 'gives a list as an object',
    about: 'type',
    spoil: each((value) => (Array.isArray(value) ? { ...value } : undefined)),
  },
  {
    name: 'gives a list of one as that one',
    about: 'type',
    spoil: each((value) => (Array.isArray(value) && value.length > 0 ? value[0] : undefined)),
  },
  { name: 'gives a list as null', about: 'type', spoil: each((value) => (Array.isArray(value) ? null : undefined)) },
  {
    name: 'gives a text in a list',
    about: 'type',
    spoil: each((value) => (typeof value === 'string' ? [value] : undefined)),
  },
  {
    name: 'gives an object as its JSON',
    about: 'type',
    spoil: each((value) => (isObject(value) ? JSON.stringify(value) : undefined)),
  },

  { name: 'is off by a cent', about: 'value', spoil: texts(MONEY, (text) => (Number(text) + 0.01).toFixed(2)) },
  {
    name: 'is off by a cent the other way',
    about: 'value',
    spoil: texts(MONEY, (text) => (Number(text) - 0.01).toFixed(2)),
  },
  {
    name: 'rounds to whole units',
    about: 'value',
    spoil: texts(/^\d+\.(?!00)\d\d$/, (text) => `${Math.round(Number(text))}.00`),
  },
  { name: 'gives cents', about: 'value', spoil: texts(/^[1-9]\d*\.\d\d$/, (text) => (Number(text) * 100).toFixed(2)) },
  { name: 'turns the sign', about: 'value', spoil: texts(/^[1-9]\d*\.\d\d$/, (text) => `-${text}`) },
  {
    name: 'is off by one',
    about: 'value',
    spoil: each((value) =>
      /^\d{1,3}$/.test(digits(value) ?? '') ? number(String(Number(digits(value)) + 1)) : undefined,
    ),
  },
  {
    name: 'says the opposite',
    about: 'value',
    spoil: each((value) => (typeof value === 'boolean' ? !value : undefined)),
  },
  { name: 'shouts', about: 'value', spoil: texts(WORDS, (text) => text.toUpperCase()) },
  { name: 'capitalises', about: 'value', spoil: texts(/^[a-z]+$/, (text) => text[0]!.toUpperCase() + text.slice(1)) },
  { name: 'adds a blank', about: 'value', spoil: texts(WORDS, (text) => `${text} `) },
  { name: 'loses leading zeros', about: 'value', spoil: texts(/^0\d+$/, (text) => text.replace(/^0+/, '')) },
  { name: 'decomposes letters', about: 'value', spoil: texts(/[^\0-\x7f]/, (text) => text.normalize('NFD')) },
  {
    name: 'drops accents',
    about: 'value',
    spoil: texts(/\p{L}/u, (text) => text.normalize('NFD').replace(/\p{M}/gu, '')),
  },
  {
    name: 'reads UTF-8 as Latin-1',
    about: 'value',
    spoil: texts(/[^\0-\x7f]/, (text) => Buffer.from(text).toString('latin1')),
  },
  { name: 'escapes HTML', about: 'value', spoil: texts(/&/, (text) => text.replace(/&/g, '&amp;')) },
  {
    name: 'replaces an emoji',
    about: 'value',
    spoil: texts(/\p{Extended_Pictographic}/u, (text) => text.replace(/\p{Extended_Pictographic}/gu, '?')),
  },
  { name: 'cuts a text', about: 'value', spoil: texts(/^.{12,}$/, (text) => text.slice(0, -1)) },
  { name: 'empties a text', about: 'value', spoil: texts(WORDS, () => '') },
  { name: 'has another state', about: 'value', spoil: texts(/^(paid|placed)$/, () => 'cancelled') },
  { name: 'ends lines otherwise', about: 'value', spoil: texts(/\n/, (text) => text.replace(/\n/g, '\r\n')) },

  {
    name: 'rounds a big integer to a double',
    about: 'precision',
    spoil: bigIntegers((text) => String(BigInt(Number(text)))),
  },
  {
    name: 'is off by one in a big integer',
    about: 'precision',
    spoil: bigIntegers((text) => String(BigInt(text) + 1n)),
  },
  {
    name: 'rounds a long decimal to a double',
    about: 'precision',
    spoil: each((value) =>
      /^\d+\.\d{17,}$/.test(digits(value) ?? '') ? number(String(Number(digits(value)))) : undefined,
    ),
  },
  {
    name: 'shows the noise of a double',
    about: 'precision',
    spoil: each((value) =>
      /^\d+\.\d{1,2}$/.test(digits(value) ?? '')
        ? number(`${digits(value)!.padEnd(digits(value)!.indexOf('.') + 3, '0')}00000000000002`)
        : undefined,
    ),
  },
  {
    name: 'keeps one decimal',
    about: 'precision',
    spoil: each((value) =>
      /^\d+\.\d[1-9]$/.test(digits(value) ?? '') ? number(digits(value)!.slice(0, -1)) : undefined,
    ),
  },

  { name: 'is an hour early', about: 'time', spoil: texts(ISO, (text) => moved(text, -3_600_000)) },
  { name: 'is two hours late', about: 'time', spoil: texts(ISO, (text) => moved(text, 7_200_000)) },
  { name: 'is a day off', about: 'time', spoil: texts(ISO, (text) => moved(text, 86_400_000)) },
  {
    name: 'drops the zone',
    about: 'time',
    spoil: texts(ISO, (text) => text.replace('Z', '').replace('T', ' ').replace(/\d\d:/, '23:')),
  },
  {
    name: 'says another zone of the same digits',
    about: 'time',
    spoil: texts(ISO, (text) => text.replace('Z', '+02:00')),
  },
  { name: 'gives the date alone', about: 'time', spoil: texts(ISO, (text) => text.slice(0, 10)) },
  {
    name: 'gives seconds since 1970',
    about: 'time',
    spoil: each((value) =>
      typeof value === 'string' && ISO.test(value) ? number(String(Date.parse(value) / 1000)) : undefined,
    ),
  },
  { name: 'gives 1970', about: 'time', spoil: texts(ISO, () => '1970-01-01T00:00:00.000Z') },
  {
    name: 'drops milliseconds',
    about: 'time',
    spoil: texts(/\.\d*[1-9]\d*Z$/, (text) => text.replace(/\.\d+Z$/, '.000Z')),
  },

  { name: 'turns a list round', about: 'order', spoil: arrays(2, (elements) => elements.reverse()) },
  {
    name: 'swaps two neighbours',
    about: 'order',
    spoil: arrays(2, (elements) => elements.splice(0, 2, elements[1], elements[0])),
  },
  { name: 'begins a page one later', about: 'order', spoil: arrays(3, (elements) => elements.push(elements.shift())) },
  {
    name: 'turns an inner list round',
    about: 'order',
    spoil: json((_root, spots) => {
      const inner = spots.findLast(({ key, value }) => key === 'items' && Array.isArray(value) && value.length > 1);
      (inner?.value as unknown[] | undefined)?.reverse();
      return inner !== undefined;
    }),
  },

  {
    name: 'mixes up the ids of two elements',
    about: 'ids',
    spoil: arrays(2, (elements) => {
      const [one, other] = elements as Record<string, unknown>[];
      if (isObject(one) && isObject(other)) [one!.id, other!.id] = [other!.id, one!.id];
      else elements.reverse();
    }),
  },
  {
    name: 'gives one id twice',
    about: 'ids',
    spoil: arrays(2, (elements) => {
      const [one, other] = elements as Record<string, unknown>[];
      if (isObject(one) && isObject(other)) other!.id = one!.id;
      else elements[1] = elements[0];
    }),
  },
  {
    name: 'points to somebody else',
    about: 'ids',
    spoil: each((value, key) => (key === 'userId' && digits(value) ? number('999') : undefined)),
  },

  { name: 'is empty', about: 'body', spoil: (reply) => ({ ...reply, body: '' }) },
  { name: 'is cut in the middle', about: 'body', spoil: (reply) => ({ ...reply, body: reply.body.slice(0, -20) }) },
  {
    name: 'is an error page with 200',
    about: 'body',
    spoil: (reply) => ({ ...reply, body: '<html><h1>502</h1></html>' }),
  },
  { name: 'is encoded twice', about: 'body', spoil: (reply) => ({ ...reply, body: JSON.stringify(reply.body) }) },
  { name: 'is wrapped', about: 'body', spoil: (reply) => ({ ...reply, body: `{"data":${reply.body}}` }) },
  { name: 'is null', about: 'body', spoil: (reply) => ({ ...reply, body: 'null' }) },
];
