import { createHash } from 'node:crypto';

/** A request with an Idempotency-Key, and what it asks. Digests: the state holds nothing an operator has sent. */
export type KeyedRequest = { readonly key: string; readonly asks: string };

/** One that was carried out, and when, in ms since 1970. */
export type DoneRequest = KeyedRequest & { readonly at: number };

/** Who tries again does so within minutes; ms. */
const REMEMBERED_MS = 24 * 60 * 60 * 1_000;
/** No more than these are kept of a capability, so that its state stays small. */
const MOST = 200;

/** The key was used for something else. */
export class KeyReused extends Error {}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);

/** A request under this key, bound to who asks, method, path and body. */
export const keyedRequest = (
  actor: string,
  key: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: unknown },
): KeyedRequest => ({ key: digest(actor, key), asks: digest(method, path, JSON.stringify(body ?? null)) });

/** True if the request was carried out before. Throws KeyReused if its key was used for another one. */
export function isDone(done: readonly DoneRequest[], { key, asks }: KeyedRequest): boolean {
  const known = done.find((one) => one.key === key);
  if (known && known.asks !== asks) {
    throw new KeyReused('this Idempotency-Key was used for another path or body; send what is new with a new key');
  }
  return known !== undefined;
}

/** The requests to be kept, this one now among them. */
export const remembering = (done: readonly DoneRequest[], request: KeyedRequest, now: number): DoneRequest[] => [
  ...done.filter(({ at }) => now - at < REMEMBERED_MS).slice(1 - MOST),
  { ...request, at: now },
];
