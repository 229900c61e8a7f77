import { Agent, type Dispatcher } from 'undici';
import { Capture, type ShadowReply } from './reply.ts';

/** A read that can be asked of either side. */
export type Read = {
  readonly method: 'GET';
  /** Origin-form, as this side knows it. */
  readonly path: string;
  /** Names and values in turn, Host among them. */
  readonly headers: readonly string[];
};

/** Headers of a reply as the client may see them. */
export type ForClient = (raw: readonly Buffer[]) => readonly Buffer[];

/** A side may take this long for a whole reply, ms. */
const TIMEOUT_MS = 3_000;

/** Connections of our own to one side, so that asking it twice takes none from its users. */
export class ShadowSide {
  readonly #origin: string;
  readonly #prefix: string;
  readonly #agent: Agent;

  constructor(url: URL, connections: number) {
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#agent = new Agent({ connections, pipelining: 1, connectTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS });
  }

  /** What the side replies, as its client would see it. Never throws: no reply is a Failure. */
  async ask({ method, path, headers }: Read, forClient: ForClient): Promise<ShadowReply> {
    const { promise, resolve } = Promise.withResolvers<ShadowReply>();
    const capture = new Capture();
    const late = { error: `no reply within ${TIMEOUT_MS} ms`, timeout: true };
    let controller: Dispatcher.DispatchController | undefined;
    const timer = setTimeout(() => {
      resolve(late);
      controller?.abort(new Error(late.error));
    }, TIMEOUT_MS);
    this.#agent.dispatch(
      { origin: this.#origin, method, path: this.#prefix + path, headers: [...headers] },
      {
        onRequestStart: (started) => {
          controller = started;
        },
        onResponseStart: (started, status) => {
          if (status >= 200) capture.begin(status, forClient(started.rawHeaders as Buffer[]));
        },
        onResponseData: (_, chunk) => capture.add(chunk),
        onResponseEnd: () => resolve(capture.seen),
        onResponseError: (_, error) => resolve({ error: error.message }),
      },
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every connection at once. */
  stop(): Promise<void> {
    return this.#agent.destroy();
  }
}
