import { redactor } from '../redact/redact.ts';
import { isContainer, type Json, parseJson } from '../reply/json.ts';
import { type HarResponse, headersOf } from './har.ts';
import { cookiePair } from './user.ts';

const { isSecretName } = redactor();
/** What a redactor with a key, or one that knew the secret, has left behind. */
export const MARK = /\[(?:(known) ([A-Za-z][\w-]*)|([a-z-]+) ([0-9a-f]{12}))\]/g;
/** Anything shorter may stand for something else elsewhere. */
const SHORTEST = 8;
/** A reply that is larger hands out no tokens. */
const LARGEST_REPLY_BYTES = 256 * 1024;

/** What a token is known by: the mark that stands for it has another label where it was told by its looks. */
export const tokenKey = (text: string): string => /^\[[a-z-]+ ([0-9a-f]{12})\]$/.exec(text)?.[1] ?? text;

/** Tokens and cookies that a recorded reply hands out. */
export function tokensIn(response: HarResponse): string[] {
  const cookies = (headersOf(response.headers)['set-cookie'] ?? []).map((cookie) => cookiePair(cookie)[1]);
  const { text = '', encoding } = response.content ?? {};
  if (encoding || text.length > LARGEST_REPLY_BYTES || !/^\s*[{[]/.test(text)) return cookies.filter(isToken);
  let body: Json;
  try {
    body = parseJson(text);
  } catch {
    return cookies.filter(isToken);
  }
  const tokens = [...placesIn(body)].filter(({ name }) => isSecretName(name)).map(({ value }) => value);
  return [...cookies, ...tokens].filter(isToken);
}

const isToken = (text: string) => text.length >= SHORTEST;

/** The texts of a JSON value, and what each is called. */
function* placesIn(root: Json): Generator<{ readonly name: string; readonly value: string }> {
  const open: Json[] = [root];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    for (const [name, value] of Object.entries(container as object) as [string, Json][]) {
      if (isContainer(value)) open.push(value);
      else if (typeof value === 'string') yield { name, value };
    }
  }
}

/** Which recorded token became which, judging by two replies to the same request. */
export function* tokenPairs(recorded: Json, live: Json): Generator<readonly [recorded: string, live: string]> {
  const open: (readonly [Json, Json])[] = [[recorded, live]];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    if (!isContainer(pair[0]) || !isContainer(pair[1])) continue;
    const [was, is] = pair as unknown as readonly [Record<string, Json>, Record<string, Json>];
    for (const name of Object.keys(was)) {
      if (!Object.hasOwn(is, name)) continue;
      const [before, now] = [was[name]!, is[name]!];
      if (isContainer(before)) open.push([before, now]);
      else if (typeof before === 'string' && typeof now === 'string' && isToken(before)) {
        if (isSecretName(name) || tokenKey(before) !== before) yield [before, now];
      }
    }
  }
}

/** Fields of HTML forms that nobody sees: names and values. */
export const hiddenFields = (html: string): ReadonlyMap<string, string> =>
  new Map(
    [...html.matchAll(/<input\b[^<>]{0,500}>/gi)].flatMap(([field]) => {
      const name = /\bname=["']?([^\s"'<>]+)/i.exec(field)?.[1];
      const value = /\bvalue=["']([^"']*)["']/i.exec(field)?.[1];
      return name && value && isToken(value) && /\btype=["']?hidden\b/i.test(field) ? [[name, value] as const] : [];
    }),
  );
