import {
  arrays,
  bigIntegers,
  digits,
  each,
  header,
  ISO,
  isObject,
  json,
  MONEY,
  moved,
  number,
  removed,
  type Spoil,
  status,
  texts,
  WORDS,
} from './spoil.ts';

/** A kind of regression, and what of a reply it is about. */
export interface Regression {
  readonly name: string;
  readonly about: keyof typeof WAYS_TO_BE_WRONG;
  readonly spoil: Spoil;
}

/** What a wrong reply does. */
const WAYS_TO_BE_WRONG = {
  status: {
    'answers 500': status(500),
    'answers 404': status(404),
    'answers 201': status(201),
    'answers 202': status(202),
    'answers 302': status(302),
    'answers 403': status(403),
  },
  header: {
    'says it is HTML': header('content-type', 'text/html; charset=utf-8'),
    'says it is another JSON': header('content-type', 'application/problem+json'),
    'forgets where the new thing is': header('location', undefined),
    'points to an internal host': header('location', 'http://10.0.0.7:3001/orders/7'),
    'lets the answer be cached': header('cache-control', 'public, max-age=3600'),
    'forgets cache-control': header('cache-control', undefined),
    'forgets the ETag': header('etag', undefined),
    'calls a cookie otherwise': header('set-cookie', 'session=1; HttpOnly; Secure'),
    'leaves a cookie to scripts': header('set-cookie', 'sid=1; Secure'),
    'forgets the next page': header('link', undefined),
    'counts otherwise': header('x-total-count', '4'),
    'lets every origin in': header('access-control-allow-origin', '*'),
  },
  removed: {
    'lacks a member': removed(({ value }) => typeof value === 'string'),
    'lacks a number': removed(({ value }) => digits(value) !== undefined),
    'lacks a truth value': removed(({ value }) => typeof value === 'boolean'),
    'lacks an object': removed(({ value }) => isObject(value)),
    'lacks a list': removed(({ value }) => Array.isArray(value)),
    'lacks everything': (reply) => ({ ...reply, body: '{}' }),
    'lacks the first element': arrays(2, (elements) => elements.shift()),
    'lacks the last element': arrays(2, (elements) => elements.pop()),
    'lacks one in the middle': arrays(3, (elements) => elements.splice(1, 1)),
    'has an empty list': arrays(1, (elements) => elements.splice(0)),
  },
  added: {
    'has a member more': json((root) => Object.assign(root, { internal: true }) !== null),
    'has a member more in one element': arrays(2, (elements) => {
      if (isObject(elements.at(-1))) Object.assign(elements.at(-1) as object, { __version: 0 });
      else elements.push({ __version: 0 });
    }),
    'has an element twice': arrays(1, (elements) => elements.push(structuredClone(elements[0]))),
    'has an element more at the beginning': arrays(1, (elements) => elements.unshift(null)),
  },
  type: {
    'gives a number as a text': each((value, key) => (/count|quantity/.test(key) ? digits(value) : undefined)),
    'gives a text as a number': each((value, key) =>
      key === 'sku' && typeof value === 'string' ? number('7') : undefined,
    ),
    'gives a truth value as a number': each((value, key) =>
      /urgent|retry/.test(key) && typeof value === 'boolean' ? number(value ? '1' : '0') : undefined,
    ),
    'gives a truth value as a text': each((value) => (typeof value === 'boolean' ? String(value) : undefined)),
    'gives null as an empty text': each((value) => (value === null ? '' : undefined)),
    'gives null as a text': each((value) => (value === null ? 'null' : undefined)),
    'gives null as 0': each((value) => (value === null ? number('0') : undefined)),
    'gives null as false': each((value) => (value === null ? false : undefined)),
    'gives a number as null': each((value) => (digits(value) === undefined ? undefined : null)),
    'gives a text as null': each((value) => (typeof value === 'string' ? null : undefined)),
    'gives NaN': each((value) => (digits(value) === undefined ? undefined : 'NaN')),
    'gives an object as a list': each((value) => (isObject(value) ? [value] : undefined)),
    'gives a list as an object': each((value) => (Array.isArray(value) ? { ...value } : undefined)),
    'gives a list of one as that one': each((value) =>
      Array.isArray(value) && value.length > 0 ? value[0] : undefined,
    ),
    'gives a list as null': each((value) => (Array.isArray(value) ? null : undefined)),
    'gives a text in a list': each((value) => (typeof value === 'string' ? [value] : undefined)),
    'gives an object as its JSON': each((value) => (isObject(value) ? JSON.stringify(value) : undefined)),
  },
  value: {
    'is off by a cent': texts(MONEY, (text) => (Number(text) + 0.01).toFixed(2)),
    'is off by a cent the other way': texts(MONEY, (text) => (Number(text) - 0.01).toFixed(2)),
    'rounds to whole units': texts(/^\d+\.(?!00)\d\d$/, (text) => `${Math.round(Number(text))}.00`),
    'gives cents': texts(/^[1-9]\d*\.\d\d$/, (text) => (Number(text) * 100).toFixed(2)),
    'turns the sign': texts(/^[1-9]\d*\.\d\d$/, (text) => `-${text}`),
    'is off by one': each((value) =>
      /^\d{1,3}$/.test(digits(value) ?? '') ? number(String(Number(digits(value)) + 1)) : undefined,
    ),
    'says the opposite': each((value) => (typeof value === 'boolean' ? !value : undefined)),
    shouts: texts(WORDS, (text) => text.toUpperCase()),
    capitalises: texts(/^[a-z]+$/, (text) => text[0]!.toUpperCase() + text.slice(1)),
    'adds a blank': texts(WORDS, (text) => `${text} `),
    'loses leading zeros': texts(/^0\d+$/, (text) => text.replace(/^0+/, '')),
    'decomposes letters': texts(/[^\0-\x7f]/, (text) => text.normalize('NFD')),
    'drops accents': texts(/\p{L}/u, (text) => text.normalize('NFD').replace(/\p{M}/gu, '')),
    'reads UTF-8 as Latin-1': texts(/[^\0-\x7f]/, (text) => Buffer.from(text).toString('latin1')),
    'escapes HTML': texts(/&/, (text) => text.replace(/&/g, '&amp;')),
    'replaces an emoji': texts(/\p{Extended_Pictographic}/u, (text) =>
      text.replace(/\p{Extended_Pictographic}/gu, '?'),
    ),
    'cuts a text': texts(/^.{12,}$/, (text) => text.slice(0, -1)),
    'empties a text': texts(WORDS, () => ''),
    'has another state': texts(/^(paid|placed)$/, () => 'cancelled'),
    'ends lines otherwise': texts(/\n/, (text) => text.replace(/\n/g, '\r\n')),
  },
  precision: {
    'rounds a big integer to a double': bigIntegers((text) => String(BigInt(Number(text)))),
    'is off by one in a big integer': bigIntegers((text) => String(BigInt(text) + 1n)),
    'rounds a long decimal to a double': each((value) =>
      /^\d+\.\d{17,}$/.test(digits(value) ?? '') ? number(String(Number(digits(value)))) : undefined,
    ),
    'shows the noise of a double': each((value) =>
      /^\d+\.\d{1,2}$/.test(digits(value) ?? '')
        ? number(`${digits(value)!.padEnd(digits(value)!.indexOf('.') + 3, '0')}00000000000002`)
        : undefined,
    ),
    'keeps one decimal': each((value) =>
      /^\d+\.\d[1-9]$/.test(digits(value) ?? '') ? number(digits(value)!.slice(0, -1)) : undefined,
    ),
  },
  time: {
    'is an hour early': texts(ISO, (text) => moved(text, -3_600_000)),
    'is two hours late': texts(ISO, (text) => moved(text, 7_200_000)),
    'is a day off': texts(ISO, (text) => moved(text, 86_400_000)),
    'drops the zone': texts(ISO, (text) => text.replace('Z', '').replace('T', ' ').replace(/\d\d:/, '23:')),
    'says another zone of the same digits': texts(ISO, (text) => text.replace('Z', '+02:00')),
    'gives the date alone': texts(ISO, (text) => text.slice(0, 10)),
    'gives seconds since 1970': each((value) =>
      typeof value === 'string' && ISO.test(value) ? number(String(Date.parse(value) / 1000)) : undefined,
    ),
    'gives 1970': texts(ISO, () => '1970-01-01T00:00:00.000Z'),
    'drops milliseconds': texts(/\.\d*[1-9]\d*Z$/, (text) => text.replace(/\.\d+Z$/, '.000Z')),
  },
  order: {
    'turns a list round': arrays(2, (elements) => elements.reverse()),
    'swaps two neighbours': arrays(2, (elements) => elements.splice(0, 2, elements[1], elements[0])),
    'begins a page one later': arrays(3, (elements) => elements.push(elements.shift())),
    'turns an inner list round': json((_root, spots) => {
      const inner = spots.findLast(({ key, value }) => key === 'items' && Array.isArray(value) && value.length > 1);
      (inner?.value as unknown[] | undefined)?.reverse();
      return inner !== undefined;
    }),
  },
  ids: {
    'mixes up the ids of two elements': arrays(2, (elements) => {
      const [one, other] = elements as Record<string, unknown>[];
      if (isObject(one) && isObject(other)) [one!.id, other!.id] = [other!.id, one!.id];
      else elements.reverse();
    }),
    'gives one id twice': arrays(2, (elements) => {
      const [one, other] = elements as Record<string, unknown>[];
      if (isObject(one) && isObject(other)) other!.id = one!.id;
      else elements[1] = elements[0];
    }),
    'points to somebody else': each((value, key) => (key === 'userId' && digits(value) ? number('999') : undefined)),
  },
  body: {
    'is empty': (reply) => ({ ...reply, body: '' }),
    'is cut in the middle': (reply) => ({ ...reply, body: reply.body.slice(0, -20) }),
    'is an error page with 200': (reply) => ({ ...reply, body: '<html><h1>502</h1></html>' }),
    'is encoded twice': (reply) => ({ ...reply, body: JSON.stringify(reply.body) }),
    'is wrapped': (reply) => ({ ...reply, body: `{"data":${reply.body}}` }),
    'is null': (reply) => ({ ...reply, body: 'null' }),
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Spoil>>>>;

export const REGRESSIONS: readonly Regression[] = Object.entries(WAYS_TO_BE_WRONG).flatMap(([about, ways]) =>
  Object.entries(ways).map(([name, spoil]) => ({ name, about: about as Regression['about'], spoil })),
);
