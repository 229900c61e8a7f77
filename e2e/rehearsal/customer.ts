import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { SECRETS } from './addresses.ts';
import { emailOf } from './input.ts';
import type { ShoppingTally } from './tally.ts';

/** What a request to the shop came back with. */
export type Answer = { readonly status: number; readonly body: Record<string, never> & unknown };

const ASK_WITHIN_MS = 20_000;
const RETRIED = new Set([502, 503, 504]);

/** What all customers share: connections, the record, and milliseconds of patience, which an abort ends at once. */
export type Shopping = {
  readonly dispatcher: Dispatcher;
  readonly tally: ShoppingTally;
  readonly patience: number;
  readonly signal: AbortSignal;
};

/**
 * One customer’s client: logs in once, and retries with the same Idempotency-Key what fails with 502, 503, 504 or a
 * lost connection, as a good client does. Gives up, and counts an error, when its patience has ended.
 */
export class Customer {
  readonly #customer: number;
  readonly #base: string;
  readonly #dispatcher: Dispatcher;
  readonly #tally: ShoppingTally;
  readonly #patience: number;
  readonly #signal: AbortSignal;
  #token: Promise<string> | undefined;

  constructor(customer: number, base: string, { dispatcher, tally, patience, signal }: Shopping) {
    this.#customer = customer;
    this.#base = base;
    this.#dispatcher = dispatcher;
    this.#tally = tally;
    this.#patience = patience;
    this.#signal = signal;
  }

  /** Asks as this customer. Throws if the answer’s status is not `wants`. */
  async ask(method: 'GET' | 'POST', path: string, wants: number[], body?: unknown, key?: string): Promise<unknown> {
    const headers = await this.#headers();
    if (key) headers['idempotency-key'] = key;
    return this.#send(method, path, wants, headers, body);
  }

  /** The same for what another capability has just made: it may still be on its way to the side that is asked. */
  async askForNew(method: 'GET' | 'POST', path: string, wants: number[], body?: unknown): Promise<unknown> {
    return this.#send(method, path, wants, await this.#headers(), body, new Set([...RETRIED, 404]));
  }

  async #headers(): Promise<Record<string, string>> {
    this.#token ??= this.#logIn();
    return { authorization: `Bearer ${await this.#token}` };
  }

  async #logIn(): Promise<string> {
    const login = { email: emailOf(this.#customer), password: SECRETS.password };
    const answer = (await this.#send('POST', '/api/auth/login', [200], {}, login)) as { token: string };
    return answer.token;
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    wants: number[],
    headers: Record<string, string>,
    body: unknown,
    retried = RETRIED,
  ) {
    const deadline = Date.now() + this.#patience;
    for (let tries = 1; ; tries++) {
      const failure = await this.#once(method, path, wants, headers, body, retried).then(
        (answer) => ({ answer }),
        (error: Error) => ({ error }),
      );
      if ('answer' in failure) return failure.answer;
      const { error } = failure;
      this.#signal.throwIfAborted();
      if (error instanceof WrongAnswer || Date.now() > deadline) {
        this.#tally.failed(`${method} ${path}: ${error.message}`);
        throw error;
      }
      this.#tally.retried();
      await sleep(Math.min(500, 20 * 2 ** Math.min(tries, 6)) * (0.5 + Math.random()));
    }
  }

  async #once(
    method: 'GET' | 'POST',
    path: string,
    wants: number[],
    headers: Record<string, string>,
    body: unknown,
    retried: ReadonlySet<number>,
  ) {
    const done = this.#tally.started();
    try {
      const answer = await request(this.#base + path, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher: this.#dispatcher,
        headersTimeout: ASK_WITHIN_MS,
        bodyTimeout: ASK_WITHIN_MS,
      });
      const text = await answer.body.text();
      if (retried.has(answer.statusCode)) throw new Error(`${answer.statusCode} ${text}`);
      if (!wants.includes(answer.statusCode)) throw new WrongAnswer(`${answer.statusCode} ${text}`);
      return JSON.parse(text) as unknown;
    } finally {
      done();
    }
  }
}

/** An answer that no retry would fix. */
class WrongAnswer extends Error {}
