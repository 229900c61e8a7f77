import { LONGEST, type SourceAnswer, valuesOf } from './source.ts';

/**
 * The value of a cookie. Several Cookie headers are one, as Node joins them for an application; a cookie that is there
 * twice with two values is unreadable, because applications differ in which one they take.
 */
export function cookieSays(headers: readonly string[], name: string): SourceAnswer {
  const found = new Set<string>();
  for (const pair of valuesOf(headers, 'cookie').join(';').split(';')) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && pair.slice(0, equals).trim() === name) found.add(pair.slice(equals + 1).trim());
  }
  const [value] = found;
  if (value === undefined) return undefined;
  if (found.size > 1) return { unreadable: `the cookie ${name} is there with ${found.size} values` };
  if (value.length > LONGEST) return { unreadable: `the cookie ${name} is too long` };
  try {
    return { user: decodeURIComponent(value.replace(/^"(.*)"$/, '$1')) };
  } catch {
    return { unreadable: `the cookie ${name} cannot be decoded` };
  }
}
