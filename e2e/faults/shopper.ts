import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { SECRETS } from '../rehearsal/addresses.ts';
import type { Ledger } from './ledger.ts';

/** What a request came back with. */
export type Answer = { readonly status: number; readonly body: unknown };

const ASK_WITHIN_MS = 20_000;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A login token as the monolith gives one: the suite has more users than it has time to log in. */
function tokenOf(user: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: String(user), iat: now, exp: now + 43_200 })}`;
  return `${claims}.${createHmac('sha256', SECRETS.jwt).update(claims).digest('base64url')}`;
}

/** How long to go on, and when to break a request off. */
export type Patience = {
  /** Unix milliseconds after which a failing request is given up. */
  readonly until: number;
  /** Breaks the request off and gives it up. */
  readonly breakOff?: AbortSignal;
};

/** One user’s client: what gets no answer, or a 5xx, is sent again to another proxy with the same Idempotency-Key. */
export class Shopper {
  readonly user: number;
  readonly #bases: readonly string[];
  readonly #dispatcher: Dispatcher;
  readonly #ledger: Ledger;
  readonly #headers: Record<string, string>;
  #base: number;

  constructor(user: number, bases: readonly string[], dispatcher: Dispatcher, ledger: Ledger) {
    this.user = user;
    this.#bases = bases;
    this.#dispatcher = dispatcher;
    this.#ledger = ledger;
    this.#headers = { authorization: `Bearer ${tokenOf(user)}` };
    this.#base = Math.floor(user / 2) % bases.length; // ids of users are odd
  }

  /** Asks until there is an answer that is not 5xx; undefined when patience has run out. */
  async ask(
    method: 'GET' | 'POST',
    path: string,
    patience: Patience,
    body?: unknown,
    key?: string,
  ): Promise<Answer | undefined> {
    const headers = { ...this.#headers, ...(key && { 'idempotency-key': key }) };
    for (let tries = 0; ; tries++) {
      const answer = await this.#once(method, path, headers, body, patience.breakOff).catch(() => undefined);
      if (answer && answer.status < 500) return answer;
      if (patience.breakOff?.aborted || Date.now() > patience.until) {
        this.#ledger.unanswered++;
        return undefined;
      }
      this.#ledger.retried++;
      this.#base = (this.#base + 1) % this.#bases.length;
      await sleep(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries));
    }
  }

  async #once(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    this.#ledger.requests++;
    const answer = await request(this.#bases[this.#base]! + path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher: this.#dispatcher,
      headersTimeout: ASK_WITHIN_MS,
      bodyTimeout: ASK_WITHIN_MS,
      ...(signal && { signal }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text ? (JSON.parse(text) as unknown) : undefined };
  }
}
