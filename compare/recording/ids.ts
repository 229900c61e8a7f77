import { ExactNumber, isContainer, type Json, parseNumber } from '../reply/json.ts';
import { decoded } from '../reply/url-text.ts';
import type { IdMap } from '../rules/id-map.ts';

/**
 * Ids by their names: `orderId`, `order_id`, `$.order.id`, `$.orders[*].id`, `/orders/17` and the `id` in a reply of
 * `POST /orders` all speak of one kind of thing, an order.
 */
type Kind = string;

/** Kind of ids that no two things share whatever they are: UUIDs and long random ids. */
const ANY: Kind = '';
const UNGUESSABLE =
  /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|(?=.*\d)(?=.*[A-Za-z])[\w-]{20,})$/i;
/** Segments of a path that are ids rather than names. */
const LOOKS_LIKE_ID = /^\d+$/;
/** Members that only wrap what was asked for, unless they stand beside an id. A request has no list of results. */
const IN_REPLIES = new Set([
  'data',
  'result',
  'results',
  'items',
  'rows',
  'records',
  'content',
  'list',
  'payload',
  'value',
]);
const IN_REQUESTS = new Set(['data']);

/** Members that are ids although their names do not say so: `number`, `slug`. */
export type IdNames = ReadonlySet<string>;

/** Which recorded ids became which, judging by two replies to the same request. */
export function* idPairs(
  recorded: Json,
  live: Json,
  { path, names, trustOrder }: { readonly path: string; readonly names: IdNames; readonly trustOrder: boolean },
): Generator<readonly [kind: Kind, recorded: string, live: string]> {
  const open: { readonly was: Json; readonly is: Json; readonly noun: Kind; readonly many: Kind | undefined }[] = [
    { was: recorded, is: live, noun: nounOf(path), many: undefined },
  ];
  for (let level = open.pop(); level; level = open.pop()) {
    const { was, is, noun, many } = level;
    if (!isContainer(was) || !isContainer(is) || Array.isArray(was) !== Array.isArray(is)) continue;
    if (Array.isArray(was) && !pairable(was, is as readonly Json[], trustOrder)) continue;
    for (const name of Object.keys(was)) {
      if (!Object.hasOwn(is, name)) continue;
      const [before, now] = [memberOf(was, name), memberOf(is, name)];
      const member = Array.isArray(was)
        ? { noun, one: many, many: undefined }
        : memberKinds(name, noun, was, IN_REPLIES);
      if (isContainer(before)) {
        open.push({ was: before, is: now, noun: member.noun, many: member.many });
        continue;
      }
      const [old, newer] = [idText(before), idText(now)];
      if (old === undefined || newer === undefined) continue;
      if (member.one !== undefined) yield [member.one, old, newer];
      if (names.has(name)) yield* [noun, singular(name)].map((kind) => [kind, old, newer] as const);
      if (isAnywhere(old, name, names) && isAnywhere(newer, name, names)) yield [ANY, old, newer];
    }
  }
}

const isAnywhere = (id: string, name: string, names: IdNames) =>
  UNGUESSABLE.test(id) || (names.has(name) && !LOOKS_LIKE_ID.test(id));

/**
 * Elements are the same things only if order is given: one side may have more of them, or sort them otherwise. Lists that
 * share ids are about the same things already.
 */
function pairable(was: readonly Json[], is: readonly Json[], trustOrder: boolean): boolean {
  if (was.length !== is.length) return false;
  if (trustOrder) return true;
  const ids = new Set(was.map(ownId));
  return !is.map(ownId).some((id) => id !== undefined && ids.has(id));
}

const ownId = (value: Json): string | undefined =>
  isContainer(value)
    ? Array.isArray(value)
      ? undefined
      : idText(memberOf(value, 'id') ?? memberOf(value, '_id'))
    : idText(value);

/** The value with every text as `text` has it, and every id replaced that became another one. */
export function withIds(
  root: Json,
  {
    path,
    ids,
    names,
    text: textOf,
  }: { readonly path: string; readonly ids: IdMap; readonly names: IdNames; readonly text: (text: string) => string },
): Json {
  const box: Json[] = [root];
  const open: { readonly to: Json[] | Record<string, Json>; readonly noun: Kind; readonly many: Kind | undefined }[] = [
    { to: box, noun: nounOf(path), many: undefined },
  ];
  for (let level = open.pop(); level; level = open.pop()) {
    const { to, noun, many } = level;
    for (const name of Object.keys(to)) {
      const value = memberOf(to, name)!;
      const member = Array.isArray(to)
        ? { noun, one: many, many: undefined }
        : memberKinds(name, noun, to, IN_REQUESTS);
      if (isContainer(value)) {
        const copy = Array.isArray(value) ? [...value] : Object.assign(Object.create(null), value);
        (to as Record<string, Json>)[name] = copy;
        open.push({ to: copy, noun: member.noun, many: member.many });
        continue;
      }
      const plain = typeof value === 'string' ? textOf(value) : value;
      const id = idText(plain);
      const became = id === undefined ? undefined : idFor(ids, names.has(name) ? singular(name) : member.one, id);
      const isNumber = typeof value !== 'string' && became !== undefined && /^-?\d+$/.test(became);
      if (became !== undefined || plain !== value) {
        (to as Record<string, Json>)[name] = isNumber ? parseNumber(became) : (became ?? plain);
      }
    }
  }
  return box[0]!;
}

/** The path and query with every id replaced that became another one. */
export function pathWithIds(path: string, ids: IdMap): string {
  const [before = '', ...query] = path.split('?');
  let noun: Kind = ANY;
  const segments = before.split('/').map((segment) => {
    const became = idFor(ids, noun, decoded(segment));
    if (became !== undefined) return encodeURIComponent(became);
    if (!isId(segment)) noun = singular(segment);
    return segment;
  });
  if (query.length === 0) return segments.join('/');
  return `${segments.join('/')}?${fieldsWithIds(query.join('?'), before, ids)}`;
}

/** A query or form with every id replaced that became another one. */
export function fieldsWithIds(fields: string, path: string, ids: IdMap): string {
  const noun = nounOf(path);
  return fields
    .split('&')
    .map((field) => {
      const [name = '', ...rest] = field.split('=');
      const { one, many } = memberKinds(decoded(name), noun, {}, IN_REQUESTS);
      const became = idFor(ids, one ?? many, decoded(rest.join('=')));
      return became === undefined ? field : `${name}=${encodeURIComponent(became)}`;
    })
    .join('&');
}

/** Ids in the places of two paths alike: `Location: /orders/17` and `/orders/2001`. */
export function* pathPairs(
  recorded: string,
  live: string,
): Generator<readonly [kind: Kind, recorded: string, live: string]> {
  const [was = [], is = []] = [recorded, live].map((path) => path.replace(/^\w+:\/\/[^/]*|[?#].*$/gs, '').split('/'));
  if (was.length !== is.length) return;
  let noun: Kind = ANY;
  for (const [at, segment] of was.entries()) {
    const [old, newer] = [decoded(segment), decoded(is[at]!)];
    if (isId(old) && isId(newer)) {
      if (noun !== ANY) yield [noun, old, newer];
      if (UNGUESSABLE.test(old) && UNGUESSABLE.test(newer)) yield [ANY, old, newer];
    } else if (segment !== is[at]) return;
    else noun = singular(segment);
  }
}

const idFor = (ids: IdMap, kind: Kind | undefined, text: string): string | undefined =>
  (kind ? ids.newFor(kind, text) : undefined) ?? ids.newFor(ANY, text);

/** What a member is the id of, the ids in it are of, and its own members belong to. */
function memberKinds(
  name: string,
  noun: Kind,
  among: object,
  wrappers: ReadonlySet<string>,
): { one: Kind | undefined; many: Kind | undefined; noun: Kind } {
  const inside = wrappers.has(name) && !Object.hasOwn(among, 'id') ? noun : singular(name);
  if (/^_?(?:id|uuid)$/i.test(name)) return { one: noun, many: undefined, noun: inside };
  if (/^ids$/i.test(name)) return { one: undefined, many: noun, noun: inside };
  const one = /^(.+?)(?:Id|ID|Uuid|[_-](?:id|uuid))$/.exec(name)?.[1];
  const many = /^(.+?)(?:Ids|IDs|[_-]ids)$/.exec(name)?.[1];
  return { one: one && singular(one), many: many && singular(many), noun: inside };
}

/** What a path is about: `order` for `/shop/orders/17`. */
function nounOf(path: string): Kind {
  const segments = path
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter(Boolean);
  return singular(segments.findLast((segment) => !isId(segment)) ?? ANY);
}

const isId = (segment: string) => LOOKS_LIKE_ID.test(segment) || UNGUESSABLE.test(segment);

/** `Orders`, `order` and `purchase_orders` without what does not matter: `order`, `order`, `purchaseorder`. */
function singular(name: string): Kind {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (plain.endsWith('ies')) return `${plain.slice(0, -3)}y`;
  if (/(?:ss|x|ch|sh)es$/.test(plain)) return plain.slice(0, -2);
  return plain.endsWith('s') && !plain.endsWith('ss') ? plain.slice(0, -1) : plain;
}

const memberOf = (container: Json | object, name: string): Json => (container as Record<string, Json>)[name]!;

function idText(value: Json | undefined): string | undefined {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
