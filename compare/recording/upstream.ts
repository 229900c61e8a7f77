import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Headers } from './entry-redactor.ts';
import { headersOf } from './har.ts';

/** What belongs to one connection and goes no further (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect']);
/** As large as what we take ourselves. */
export const MAX_HEADERS_BYTES = 64 * 1024;

/** A server that requests are passed on to. */
export class RecordedUpstream {
  /** Without a slash at its end. */
  readonly url: string;
  readonly #base: URL;
  readonly #http: typeof http | typeof https;
  readonly #kept: http.Agent;

  constructor(url: URL) {
    this.#base = url;
    this.url = url.origin + url.pathname.replace(/\/$/, '');
    this.#http = url.protocol === 'https:' ? https : http;
    this.#kept = new this.#http.Agent({ keepAlive: true });
  }

  /**
   * Begins a request. Only one that may be sent twice uses a connection that was used before: the other end may close
   * such a one at any moment, and then nobody knows whether the request arrived.
   */
  request(method: string, path: string, headers: readonly string[], mayReuse: boolean): ClientRequest {
    return this.#http.request({
      protocol: this.#base.protocol,
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port,
      method,
      path: this.#base.pathname.replace(/\/$/, '') + path,
      headers: this.#hosted(headers),
      agent: mayReuse ? this.#kept : false,
      maxHeaderSize: MAX_HEADERS_BYTES,
    });
  }

  /** The client's own Host goes on, but not to a name of TLS, which answers to no other. */
  #hosted(headers: readonly string[]): string[] {
    if (this.#base.protocol !== 'https:') return [...headers];
    return pairs(headers).flatMap(([name, value]) => [name, name.toLowerCase() === 'host' ? this.#base.host : value]);
  }

  stop(): void {
    this.#kept.destroy();
  }
}

/** The headers of a message that go on, names and values in turn as they came. */
export function passedOn(message: IncomingMessage, alsoDropped: readonly string[] = []): string[] {
  const named = (message.headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const dropped = new Set([...HOP_BY_HOP, ...named, ...alsoDropped]);
  return pairs(message.rawHeaders)
    .filter(([name]) => !dropped.has(name.toLowerCase()))
    .flat();
}

/** Headers as they came, by their names in small letters. */
export const headersIn = (message: IncomingMessage): Headers =>
  headersOf(pairs(message.rawHeaders).map(([name, value]) => ({ name, value })));

export const pairs = (raw: readonly string[]): [name: string, value: string][] =>
  Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at]!, raw[2 * at + 1]!]);
