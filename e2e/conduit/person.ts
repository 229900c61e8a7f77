import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { CONDUIT_SECRETS, FRONTS } from './addresses.ts';
import type { Fate } from './ledger.ts';

/** An answer; a redirect counts as one. */
// biome-ignore lint/suspicious/noExplicitAny: answers have every shape.
export type Reply = { readonly status: number; readonly body: any; readonly cookie: string; readonly location: string };

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a request is sent with. */
export type Sending = {
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly form?: Record<string, string>;
};

const ASK_WITHIN_MS = 20_000;
const PAUSE_MS = 100;
/** What was written on the other side a moment ago is on its way, ms. */
const COMES_WITHIN_MS = 3_000;
/** How long a reader tries again, ms. */
const PATIENCE_MS = 90_000;

/** True if an answer does not say what became of a write: errors of a server, and being told to slow down. */
const saysNothing = ({ status }: Reply): boolean => status >= 500 || status === 429;

/** Sends one request; undefined if nobody knows what became of it. */
export async function send(
  dispatcher: Dispatcher,
  url: string,
  method: Method,
  { headers = {}, json, form }: Sending = {},
): Promise<Reply | undefined> {
  const type = json !== undefined ? 'application/json' : form ? 'application/x-www-form-urlencoded' : undefined;
  const sent = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : null;
  try {
    const answer = await request(url, {
      ...{ method, dispatcher, body: sent, headersTimeout: ASK_WITHIN_MS, bodyTimeout: ASK_WITHIN_MS },
      headers: { ...headers, ...(type && { 'content-type': type }) },
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    const said = (name: string) => String(answer.headers[name] ?? '').split(';')[0]!;
    const body = isJson ? JSON.parse(text) : text;
    const reply = { status: answer.statusCode, body, cookie: said('set-cookie'), location: said('location') };
    return saysNothing(reply) ? undefined : reply;
  } catch {
    return undefined;
  }
}

/** What a client knows of a write by its answer. */
export const fateOf = (reply: Reply | undefined): Fate =>
  reply === undefined ? 'unknown' : reply.status < 400 ? 'acknowledged' : 'refused';

/** Somebody who reads and writes at Conduit; half of them with an old client that says Bearer. */
export class Person {
  readonly username: string;
  email: string;
  /** Somebody is acting as this person. */
  busy = false;
  readonly #dispatcher: Dispatcher;
  readonly #scheme: 'Token' | 'Bearer';
  readonly #front: string;
  #token: string | undefined;

  constructor(username: string, email: string, nth: number, dispatcher: Dispatcher) {
    this.username = username;
    this.email = email;
    this.#dispatcher = dispatcher;
    this.#scheme = nth % 2 ? 'Bearer' : 'Token';
    this.#front = FRONTS[(nth >> 1) % FRONTS.length]!;
  }

  /** A token that an answer has brought. */
  set token(token: string) {
    this.#token = token;
  }

  /** Makes the account. */
  register(): Promise<Reply | undefined> {
    const user = { username: this.username, email: this.email, password: CONDUIT_SECRETS.password };
    return send(this.#dispatcher, `${this.#front}/api/users`, 'POST', { json: { user } });
  }

  /** Signs in by this address; false if nobody could. */
  async logIn(email: string): Promise<boolean> {
    const user = { email, password: CONDUIT_SECRETS.password };
    const reply = await send(this.#dispatcher, `${this.#front}/api/users/login`, 'POST', { json: { user } });
    if (reply?.status !== 200) return false;
    this.email = email;
    this.#token = reply.body.user.token;
    return true;
  }

  /** Asks once as this person; undefined if nobody knows what became of it. */
  async ask(method: Method, path: string, json?: unknown): Promise<Reply | undefined> {
    for (const end = Date.now() + PATIENCE_MS; this.#token === undefined; await sleep(PAUSE_MS)) {
      if ((await this.logIn(this.email)) || Date.now() > end) break;
    }
    const headers = { authorization: `${this.#scheme} ${this.#token}` };
    return send(this.#dispatcher, this.#front + path, method, { headers, json });
  }

  /** The same for what is new: whoever is told that there is no such thing, or no such user, asks again for a moment. */
  async askForNew(method: Method, path: string, json?: unknown): Promise<Reply | undefined> {
    for (const end = Date.now() + COMES_WITHIN_MS; ; await sleep(PAUSE_MS)) {
      const reply = await this.ask(method, path, json);
      if ((reply?.status !== 404 && reply?.status !== 401) || Date.now() > end) return reply;
    }
  }

  /** Reads until it is as it should be. Gives how often it was asked; 0 if it never was. */
  async readUntil(path: string, isRight: (reply: Reply) => boolean): Promise<number> {
    const end = Date.now() + PATIENCE_MS;
    for (let times = 1; Date.now() < end; await sleep(PAUSE_MS)) {
      const reply = await this.ask('GET', path);
      if (reply && isRight(reply)) return times;
      if (reply) times++; // an outage is nobody’s lost write
    }
    return 0;
  }
}
