import type { Side } from '@strangler/plan';
import { HOP_BY_HOP } from './hop-by-hop.ts';
import { namedIn } from './sanitize.ts';

/** The upstream’s answer is not one we can pass on. */
export class BadAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadAnswer';
  }
}

/** What a side says by this header is for us alone, and so is all that we say ourselves. */
const FENCE = 'strangler-fence';
export const isOurs = (name: string): boolean => name === FENCE || name.startsWith('x-strangler-');

/** Why a side’s fence has refused a write: it has given the user away, or the write’s transaction began too long ago. */
export type FenceSays = 'given-away' | 'stale';

/** What a side’s fence says of a write that it refuses and has written nothing of; undefined if it does not refuse it. */
export function fenceSays(status: number, raw: readonly Buffer[]): FenceSays | undefined {
  if (status !== 409) return undefined;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]!.toString('latin1').toLowerCase() !== FENCE) continue;
    const word = raw[at + 1]!.toString('latin1');
    if (word === 'given-away' || word === 'stale') return word;
  }
  return undefined;
}

/** A head ready for the client: names and values in turn, order, case and bytes as the upstream sent them. */
export type Head = { readonly headers: string[]; readonly trailer: boolean };

/**
 * The head for the client of an upstream’s answer with these raw headers; `trailers` is whether the client takes some.
 * Throws BadAnswer if its framing contradicts itself.
 */
export function headFor(status: number, raw: readonly Buffer[], trailers: boolean): Head {
  if (status > 599) throw new BadAnswer(`status ${status}`);
  const headers: string[] = [];
  let connection: string | undefined;
  let trailer: string | undefined;
  let length: string | undefined;
  let coded = false;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toString('latin1');
    const value = raw[at + 1]!.toString('latin1');
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower)) {
      if (lower === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
      else if (lower === 'transfer-encoding') coded = true;
      else if (lower === 'trailer') trailer = value;
      continue;
    }
    if (lower === 'content-length') {
      if (length !== undefined) throw new BadAnswer('two Content-Length headers');
      length = value;
    }
    if (isOurs(lower)) continue;
    headers.push(name, value);
  }
  if (coded && length !== undefined) throw new BadAnswer('both Transfer-Encoding and Content-Length');
  if (status === 204 && (coded || (length !== undefined && length !== '0'))) throw new BadAnswer('204 with a body');
  const declared = trailers && coded && trailer !== undefined;
  if (declared) headers.push('Trailer', trailer!, 'Transfer-Encoding', 'chunked');
  return { headers: withoutNamed(headers, namedIn(connection?.toLowerCase())), trailer: declared };
}

function withoutNamed(headers: string[], named: ReadonlySet<string>): string[] {
  if (named.size === 0) return headers;
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const lower = headers[at]!.toLowerCase();
    if (!named.has(lower) || lower === 'content-length') kept.push(headers[at]!, headers[at + 1]!);
  }
  return kept;
}

/** Says in an answer which side gave it. */
export const sayWho = (headers: string[], capability: string, side: Side): number =>
  headers.push('x-strangler-capability', capability, 'x-strangler-side', side);

/** Trailers as pairs, without what may not stand there. */
export function trailersFrom(raw: readonly Buffer[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toString('latin1');
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || lower === 'content-length' || isOurs(lower)) continue;
    trailers.push([name, raw[at + 1]!.toString('latin1')]);
  }
  return trailers;
}
