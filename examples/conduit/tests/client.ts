export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads into answers of every shape.
  body: any;
}

/** Sends requests as one user, or as nobody. */
export type Client = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

/** A client that sends the token, if there is one, as Conduit's clients do. */
export const clientOf =
  (url: string, token?: string): Client =>
  (method, path, body, headers = {}) =>
    send(url + path, method, body, { ...(token !== undefined && { authorization: `Token ${token}` }), ...headers });

const send = async (url: string, method: string, body: unknown, headers: Record<string, string>): Promise<Reply> => {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
};

/** Asks again and again, for five seconds, until the answer is as it should be; answers the last one. */
export const until = async <T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (isRight(answer) || attempt === 100) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
