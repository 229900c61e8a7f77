import type { ClientRequest } from 'node:http';
import type { CandidateReply, RecordedExchange, SeenReply } from './exchange.ts';
import { Tap } from './tap.ts';
import { headersIn, pairs, RecordedUpstream } from './upstream.ts';

/** So many at once, and no longer than this, in ms: what is slow or down is left alone rather than waited for. */
const AT_ONCE = 32;
const TIMEOUT_MS = 10_000;
/** A side asked with these may say "not modified" where the other one does not. */
const CONDITIONS = /^(if-none-match|if-modified-since|if-range)$/i;

/** Asks the candidate what the target has answered, after the target has answered. */
export class CandidateReplies {
  readonly url: string;
  readonly #upstream: RecordedUpstream;
  readonly #cap: number;
  readonly #asking = new Set<ClientRequest>();

  constructor(url: URL, cap: number) {
    this.#upstream = new RecordedUpstream(url);
    this.url = this.#upstream.url;
    this.#cap = cap;
  }

  /** What the candidate replies; undefined if too many are being asked already. */
  async ask({ method, path, body }: RecordedExchange, headers: readonly string[]): Promise<CandidateReply | undefined> {
    if (this.#asking.size >= AT_ONCE || body.bytes === undefined) return undefined;
    const began = performance.now();
    try {
      const unconditional = pairs(headers)
        .filter(([name]) => !CONDITIONS.test(name))
        .flat();
      const reply = await this.#reply(method, path, unconditional, body.bytes);
      return { reply, milliseconds: performance.now() - began };
    } catch (error) {
      return { reply: undefined, error: (error as Error).message, milliseconds: performance.now() - began };
    }
  }

  /** Gives up what has not been answered yet. */
  stop(): void {
    for (const request of this.#asking) request.destroy(new Error('the recorder stopped before there was a reply'));
    this.#upstream.stop();
  }

  #reply(method: string, path: string, headers: readonly string[], body: Uint8Array): Promise<SeenReply> {
    return new Promise((resolve, reject) => {
      const length = body.length > 0 ? ['Content-Length', String(body.length)] : [];
      const request = this.#upstream.request(method, path, [...headers, ...length], false);
      const timer = setTimeout(() => request.destroy(new Error(`no reply within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      this.#asking.add(request);
      request.once('close', () => {
        clearTimeout(timer);
        this.#asking.delete(request);
      });
      request.once('error', reject);
      request.once('response', (response) => {
        const tap = new Tap(this.#cap);
        response.on('data', (chunk) => tap.add(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            status: response.statusCode!,
            statusText: response.statusMessage ?? '',
            headers: headersIn(response),
            body: tap.end(),
          }),
        );
      });
      request.end(body);
    });
  }
}
