import type { IncomingMessage } from 'node:http';
import type { CalledBy } from './addresses.ts';
import { RefusedRequest } from './answer.ts';
import { correlationIdOf } from './correlation.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';
import { isAuthority, originForm, readingsOf } from './path.ts';
import { clientAddress, type Trusts } from './trusted.ts';

/** A request as it may go on: nothing in it steers us or the upstream but what is meant to. */
export type Clean = {
  readonly method: string;
  /** Origin-form, as the client sent it. */
  readonly target: string;
  /** The decoded paths it may mean; see readingsOf. */
  readonly readings: readonly string[];
  readonly host: string | undefined;
  /** Names and values in turn, for the upstream, without Host and framing. */
  readonly headers: string[];
  /** Bytes of the body; 0 without one, -1 if it is chunked. */
  readonly body: number;
  /** The client takes trailers. */
  readonly trailers: boolean;
  readonly expectsContinue: boolean;
  readonly correlationId: string;
  /** What the client called us by: Host and http, or what a trusted hop says. */
  readonly calledBy: CalledBy;
  /** Where it comes from; see clientAddress. */
  readonly address: string;
};

/** Most header lines of a request. */
const MOST_HEADERS = 256;
/** These of a request too: a proxy’s own login, and an upgrade that is never passed on. */
const FOR_US = new Set(['proxy-authenticate', 'proxy-authorization', 'http2-settings']);
const WE_ADD = new Set([
  ...['host', 'content-length', 'expect', 'x-correlation-id'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'],
]);
const steers = (name: string): boolean =>
  name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-') || name.startsWith('x-strangler-');

const NOTHING: ReadonlySet<string> = new Set();
/** The header names a Connection header makes hop-by-hop. */
export function namedIn(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return NOTHING;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

function bodyOf({ headers, httpVersion }: IncomingMessage): number {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return Number(headers['content-length'] ?? 0);
  if (httpVersion === '1.0') throw new RefusedRequest('bad-request', 'Transfer-Encoding needs HTTP/1.1');
  if (coding.toLowerCase() === 'chunked') return -1;
  if (/,\s*chunked$/i.test(coding))
    throw new RefusedRequest('coding-not-supported', 'the only transfer coding is chunked');
  throw new RefusedRequest('bad-request', 'Transfer-Encoding must be chunked');
}

/**
 * Reads one request: refuses what is ambiguous, drops what is hop-by-hop or not the client’s to say, and adds our own
 * headers. `trusts` says whose X-Forwarded-* are believed; `maxHeaders` is in bytes. Throws Refused.
 */
export function sanitize(request: IncomingMessage, trusts: Trusts, maxHeaders: number): Clean {
  const { rawHeaders, headers: given } = request;
  const method = request.method!;
  const correlationId = correlationIdOf(given);
  const trusted = trusts(request.socket.remoteAddress);
  const { target, authority } = originForm(request.url!);
  if (method === 'TRACE' || method === 'CONNECT')
    throw new RefusedRequest('method-not-allowed', `${method} is not served`);
  if (target === '*' && method !== 'OPTIONS') throw new RefusedRequest('bad-request', 'only OPTIONS may ask for *');
  if (rawHeaders.length > 2 * MOST_HEADERS)
    throw new RefusedRequest('headers-too-large', `more than ${MOST_HEADERS} headers`);

  const named = namedIn(given.connection);
  const headers: string[] = [];
  let size = 0;
  let hosts = 0;
  let authorizations = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    const value = rawHeaders[at + 1]!;
    size += name.length + value.length + 4;
    const lower = name.toLowerCase();
    if (lower === 'host') hosts++;
    if (lower === 'authorization' && ++authorizations > 1)
      throw new RefusedRequest('bad-request', 'two Authorization headers');
    if (HOP_BY_HOP.has(lower) || FOR_US.has(lower) || WE_ADD.has(lower) || lower === 'x-strangler-shadow') continue;
    if (named !== NOTHING && named.has(lower)) continue;
    if (steers(lower) && !trusted) continue;
    headers.push(name, value);
  }
  if (size > maxHeaders)
    throw new RefusedRequest('headers-too-large', `the headers are larger than ${maxHeaders} bytes`);
  if (hosts > 1) throw new RefusedRequest('bad-request', 'two Host headers');
  const host = authority ?? given.host;
  if (host === undefined && request.httpVersion !== '1.0') throw new RefusedRequest('bad-request', 'no Host header');
  if (host !== undefined && !isAuthority(host)) throw new RefusedRequest('bad-request', 'the Host is no host');
  const expect = given.expect?.toLowerCase();
  if (expect !== undefined && expect !== '100-continue')
    throw new RefusedRequest('expectation-failed', 'unknown Expect');
  const trailers = given.te !== undefined && /(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(String(given.te));

  const peer = request.socket.remoteAddress ?? 'unknown';
  const believed = (name: string): string | undefined => (trusted ? given[name]?.toString() : undefined);
  const hops = believed('x-forwarded-for');
  headers.push('x-forwarded-for', hops === undefined ? peer : `${hops}, ${peer}`);
  const scheme = believed('x-forwarded-proto') ?? 'http';
  headers.push('x-forwarded-proto', scheme);
  const forwardedHost = believed('x-forwarded-host') ?? host;
  if (forwardedHost !== undefined) headers.push('x-forwarded-host', forwardedHost);
  headers.push('x-correlation-id', correlationId);
  if (trailers) headers.push('te', 'trailers');
  return {
    method,
    target,
    readings: readingsOf(target),
    host,
    headers,
    body: bodyOf(request),
    trailers,
    expectsContinue: expect !== undefined && request.httpVersion !== '1.0',
    correlationId,
    calledBy: {
      scheme: /^https$/i.test(firstOf(scheme)) ? 'https' : 'http',
      host: isAuthority(firstOf(forwardedHost ?? '')) ? firstOf(forwardedHost!) : host,
    },
    address: clientAddress(peer, hops, trusts),
  };
}

/** The first of what several hops have said. */
const firstOf = (list: string): string => list.split(',')[0]!.trim();
