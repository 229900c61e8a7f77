import type { Code } from './answer.ts';

/** What a failure upstream means to the client, and whether the side could not be talked to. */
export type Blame = { readonly code: Code; readonly hard: boolean };

const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'];
const OUR_STOP = ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'];
const CLIENTS = ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'];

const BY_CODE = new Map<string, Blame>([
  ...TIMEOUTS.map((code) => [code, { code: 'upstream-timeout', hard: true }] as const),
  ...OUR_STOP.map((code) => [code, { code: 'stopping', hard: false }] as const),
  ...CLIENTS.map((code) => [code, { code: 'bad-request', hard: false }] as const),
]);

/** Reads undici’s and the system’s error codes; what it does not know is the upstream’s fault. */
export const blame = (error: Error & { code?: string }): Blame =>
  BY_CODE.get(error.code ?? '') ?? { code: 'upstream-failed', hard: true };
