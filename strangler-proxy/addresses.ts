import { routeMatches } from '@strangler/plan';
import { type RoutedCapability, rewritten } from './route.ts';

/** What a client called us by, as far as we know. */
export type CalledBy = { readonly scheme: 'http' | 'https'; readonly host: string | undefined };

/** One address of the Plan, and how a path of it is written by clients. */
type Upstream = { readonly prefix: string; readonly toClient: (path: string) => string };

const ABSOLUTE = /^(https?:)?\/\/([^/?#]*)([^?#]*)(.*)$/is;
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
/** Lengths of the names below: most headers are passed over without being read. */
const LENGTHS = new Set([4, 8, 10, 16]);

/** The addresses of the Plan, which no client shall see: what names one in an answer becomes what the client called us by. */
export class Addresses {
  /** By `host:port`, the longest prefix first. */
  readonly #upstreams = new Map<string, Upstream[]>();
  readonly #hosts = new Set<string>();

  constructor(monolith: URL, capabilities: readonly RoutedCapability[]) {
    this.#add(monolith, (path) => path);
    for (const one of capabilities) this.#add(one.service, inverse(one));
    for (const all of this.#upstreams.values()) all.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  #add(url: URL, toClient: Upstream['toClient']): void {
    const key = placeOf(url);
    const prefix = url.pathname.replace(/\/$/, '');
    this.#upstreams.set(key, [...(this.#upstreams.get(key) ?? []), { prefix, toClient }]);
    this.#hosts.add(url.hostname);
  }

  /** Raw headers of an answer, names and values in turn, for a client that called us so; the same array if none changes. */
  forClient(raw: readonly Buffer[], by: CalledBy): readonly Buffer[] {
    let changed: Buffer[] | undefined;
    for (let at = 0; at < raw.length; at += 2) {
      if (!LENGTHS.has(raw[at]!.length)) continue;
      const value = raw[at + 1]!.toString('latin1');
      const better = this.header(raw[at]!.toString('latin1').toLowerCase(), value, by);
      if (better === value) continue;
      changed ??= [...raw];
      changed[at + 1] = Buffer.from(better, 'latin1');
    }
    return changed ?? raw;
  }

  /** The value of one header of an answer, as the client should see it; `name` is lower case. */
  header(name: string, value: string, by: CalledBy): string {
    if (name === 'location' || name === 'content-location') return this.#url(value, by);
    if (name === 'link') return value.replace(/<([^<>]*)>/g, (_, url: string) => `<${this.#url(url, by)}>`);
    return name === 'set-cookie' ? this.#cookie(value, by) : value;
  }

  #url(text: string, by: CalledBy): string {
    const [, scheme, authority, path, rest] = ABSOLUTE.exec(text) ?? [];
    if (authority === undefined || authority.toLowerCase() === by.host?.toLowerCase()) return text;
    const upstream = this.#named(scheme, authority, path!);
    if (!upstream) return text;
    const { prefix, toClient } = upstream;
    const mapped = toClient(begins(path!, prefix) ? path!.slice(prefix.length) || '/' : path!);
    const origin = by.host === undefined ? '' : `${scheme === undefined ? '' : `${by.scheme}:`}//${by.host}`;
    return origin + (mapped === '/' && path === '' && origin ? '' : mapped) + rest!;
  }

  #named(scheme: string | undefined, authority: string, path: string): Upstream | undefined {
    // Without a scheme it is that of the client, and the upstream may have meant its own.
    for (const one of scheme === undefined ? ['http:', 'https:'] : [scheme.toLowerCase()]) {
      const url = URL.parse(`${one}//${authority}`);
      const all = url ? this.#upstreams.get(placeOf(url)) : undefined;
      if (all) return all.find(({ prefix }) => begins(path, prefix)) ?? all.at(-1);
    }
    return undefined;
  }

  /** A Domain that is an upstream’s host goes, and the cookie is the client’s host’s; unless it holds for that host too. */
  #cookie(value: string, { host }: CalledBy): string {
    return value.replace(/;\s*domain\s*=\s*([^;]*)/gi, (all, given: string) => {
      const domain = given.trim().replace(/^\./, '').toLowerCase();
      const asked = host?.replace(/:\d+$/, '').toLowerCase();
      const holds = asked === domain || asked?.endsWith(`.${domain}`);
      return this.#hosts.has(domain) && !holds ? '' : all;
    });
  }
}

const placeOf = ({ protocol, hostname, port }: URL): string => `${hostname}:${port || PORTS[protocol]}`;

/** True if the path lies under the prefix of an address. */
const begins = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || prefix === '' || path[prefix.length] === '/');

/**
 * Undoes a capability’s rewrite. What its rewrite makes of the beginnings of its routes shows what a path of the service
 * begins with and what the client’s did; a guess counts only if the rewrite leads back from it and a route takes it.
 * What cannot be undone so stays the service’s path.
 */
function inverse({ rewrite, routes }: RoutedCapability): Upstream['toClient'] {
  if (rewrite.length === 0) return (path) => path;
  const beginnings = new Map<string, string>();
  for (const { segments } of routes) {
    const wild = segments.indexOf('*');
    const fixed = `/${segments.slice(0, wild < 0 ? undefined : wild).join('/')}`;
    for (const mine of [fixed, `${fixed}/x`]) {
      const theirs = rewritten(rewrite, mine);
      let same = 0;
      while (same < Math.min(mine.length, theirs.length) && mine.at(-1 - same) === theirs.at(-1 - same)) same++;
      beginnings.set(theirs.slice(0, theirs.length - same), mine.slice(0, mine.length - same));
    }
  }
  const takes = (path: string) => routes.some((route) => routeMatches({ ...route, method: 'ANY' }, 'GET', path));
  return (path) => {
    for (const [theirs, mine] of beginnings) {
      const guess = mine + path.slice(theirs.length);
      if (path.startsWith(theirs) && takes(guess) && rewritten(rewrite, guess) === path) return guess;
    }
    return path;
  };
}
