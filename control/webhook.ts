/** What a webhook hears. */
export type Notice = {
  readonly event: string;
  readonly capability: string;
  /** Where users were, 0…100 %. */
  readonly from: number;
  readonly reason: string;
  readonly evidence: unknown;
  readonly at: string;
};

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 60_000;
const ATTEMPTS = 12;
const TIMEOUT_MS = 5_000;

/** Posts notices to the Plan’s webhook; nobody waits for it. Repeats with growing pauses until it answers 2xx. */
export class Webhook {
  readonly #url: string | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #stopping = new AbortController();

  constructor(url: string | undefined, onError: (error: unknown) => void) {
    this.#url = url;
    this.#onError = onError;
  }

  /** Starts telling; returns at once. */
  tell(notice: Notice): void {
    if (this.#url) void this.#deliver(this.#url, JSON.stringify(notice));
  }

  async #deliver(url: string, body: string): Promise<void> {
    let wait = FIRST_BACKOFF_MS;
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#stopping.signal.aborted; attempt++) {
      try {
        const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]);
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
        await answer.body?.cancel();
        if (answer.ok) return;
        throw new Error(`the webhook answered ${answer.status}`);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#onError(error);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, wait);
          this.#stopping.signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
          });
        });
        wait = Math.min(LONGEST_BACKOFF_MS, wait * 2);
      }
    }
  }

  /** Gives up what has not been delivered. Safe to call twice. */
  stop(): void {
    this.#stopping.abort();
  }
}
