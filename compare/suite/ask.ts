import { type Failure, type Reply, readReply } from '../reply/reply.ts';

export interface Request {
  readonly method: string;
  /** Begins with a slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** A side that has not answered by then (milliseconds) has failed. */
const TIMEOUT_MS = 30_000;

/** What the side at this base URL replies; a redirect is a reply. Never throws: no reply is a Failure. */
export async function ask(base: string, { method, path, headers, body }: Request): Promise<Reply | Failure> {
  try {
    const response = await fetch(base + path, {
      method,
      headers,
      body: body ?? null,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await readReply(response);
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: Error }; // fetch says only "fetch failed", its cause why
    return { error: cause ? `${message}: ${cause.message}` : message, timeout: name === 'TimeoutError' };
  }
}
