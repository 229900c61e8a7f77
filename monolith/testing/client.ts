import { signToken } from '../identity.ts';

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads into answers of every shape.
  body: any;
}

/** Sends requests as one user. */
export type Client = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

/** A client of the shop, or of a service that took over a part of it, logged in as the user. */
export const clientOf =
  (url: string, userId: number, jwtSecret: string): Client =>
  (method, path, body, headers) =>
    send(url, method, path, body, { authorization: `Bearer ${signToken(userId, jwtSecret)}`, ...headers });

/** One request with a JSON body. */
export const send = async (
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> => {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
};
