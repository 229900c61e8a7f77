import { RefusedRequest } from './answer.ts';

/** Longest request target, in characters. */
export const LONGEST_TARGET = 8_192;

const PLAIN = /^(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?$/;
const AUTHORITY = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** True if `text` may stand as a Host: one name or address and perhaps a port, nothing else. */
export const isAuthority = (text: string): boolean => AUTHORITY.test(text);

/** A target in origin-form, and the authority of an absolute-form one. Throws Refused. */
export function originForm(target: string): { target: string; authority: string | undefined } {
  if (target.length > LONGEST_TARGET)
    throw new RefusedRequest('url-too-long', `the URL is longer than ${LONGEST_TARGET}`);
  if (target.includes('#')) throw new RefusedRequest('bad-request', 'the URL has a fragment');
  if (target.charCodeAt(0) === 47 || target === '*') return { target, authority: undefined };
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (!absolute || !isAuthority(absolute[1]!)) throw new RefusedRequest('bad-request', 'the URL is no path');
  const rest = absolute[2]!;
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority: absolute[1]! };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RefusedRequest('bad-request', 'the path has a broken % sequence');
  }
}

/**
 * The paths a target may mean to an upstream, decoded, for the decision only: what is forwarded stays as it came. Any
 * reading that meets a route makes it a request of that capability, so no spelling gets around a route; what upstreams
 * disagree on dangerously (dot segments, NUL, backslashes) is refused. Throws Refused.
 */
export function readingsOf(target: string): readonly string[] {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  if (PLAIN.test(path)) return [path];
  const segments = path.split('/').map(decode);
  const whole = segments.join('/');
  for (const segment of whole.split('/')) {
    if (segment === '.' || segment === '..') throw new RefusedRequest('bad-request', 'the path has a dot segment');
  }
  for (let at = 0; at < whole.length; at++) {
    const code = whole.charCodeAt(at);
    if (code < 32 || code === 127 || code === 92)
      throw new RefusedRequest('bad-request', 'the path has a forbidden character');
  }
  const asSent = segments.map((segment) => segment.replaceAll('/', '\0')).join('/');
  const readings = [asSent, asSent.replace(/\/{2,}/g, '/'), whole.replace(/\/{2,}/g, '/')];
  return [...new Set(readings)];
}
