import { request } from 'node:http';
import { browserHeaders } from './browser.ts';

/** What must be the same whoever is in between, and which side our proxy says has answered. */
export type Answer = {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly side: string | undefined;
};

const ESSENTIAL = ['content-type', 'content-length', 'cache-control', 'vary', 'set-cookie', 'x-saw'];

/** Asks 127.0.0.1:port as a browser of this user would. */
export function fetchAnswer(
  port: number,
  { method, path, user, body }: { method: string; path: string; user: string; body?: string },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = {
    ...browserHeaders(user),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  const asked = request(
    { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 5_000 },
    async (answer) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        const essential = ESSENTIAL.map((name) => [name, String(answer.headers[name] ?? '')]);
        const side = answer.headers['x-strangler-side'];
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: Object.fromEntries(essential),
          side: side === undefined ? undefined : String(side),
        });
      } catch (error) {
        reject(error);
      }
    },
  );
  asked.once('timeout', () => asked.destroy(new Error(`no answer from port ${port} within 5 s`)));
  asked.once('error', reject);
  asked.end(body);
  return promise;
}

/** In what two answers differ, in words; empty if they are the same. */
export function differences(one: Answer, other: Answer): string[] {
  const found: string[] = [];
  if (one.status !== other.status) found.push(`status ${one.status} and ${other.status}`);
  if (one.body !== other.body) found.push(`bodies of ${one.body.length} and ${other.body.length} characters`);
  for (const name of ESSENTIAL) {
    if (one.headers[name] !== other.headers[name]) {
      found.push(`${name}: ${JSON.stringify(one.headers[name])} and ${JSON.stringify(other.headers[name])}`);
    }
  }
  return found;
}
