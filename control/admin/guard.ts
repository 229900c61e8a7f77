import { randomUUID } from 'node:crypto';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { mayAct, roleOf } from '../auth.ts';
import { HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';

/** Lets a request go on whose token may do this; remembers the role as `response.locals.role`. */
export type Needs = (needed: 'read' | 'operate' | 'admin') => RequestHandler;

const FORMS = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/** Gives every answer an id, and refuses what a page of another site has sent. */
export function fromHere(request: Request, response: Response, next: NextFunction): void {
  response.locals.id = randomUUID();
  response.set({ 'cache-control': 'no-store', 'x-correlation-id': response.locals.id as string });
  const { origin, host } = request.headers;
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)) {
    throw new HttpError(403, 'requests from other sites are refused');
  }
  next();
}

/** Asks for a token of the Plan; a role that is too low is noted in the audit. */
export function guard({ plan, log, record }: Pick<AdminParts, 'plan' | 'log' | 'record'>): Needs {
  const role = roleOf(plan.control.tokens);
  return (needed) => async (request, response, next) => {
    const { method, path } = request;
    const found = role(request.headers.authorization);
    if (!found) {
      log.warn({ method, path, peer: request.socket.remoteAddress }, 'denied: no token');
      throw new HttpError(401, 'a bearer token of the Plan’s control.tokens is needed');
    }
    if (!mayAct(found, needed)) {
      log.warn({ method, path, role: found }, 'denied: role');
      await record({
        ...{ capability: '', event: 'denied', actor: found, reason: `${method} ${path}`, inputs: {} },
      }).catch((error: unknown) => log.error({ err: error }, 'the audit could not be written'));
      throw new HttpError(403, `a token of role ${found} may not do this; ${needed} is needed`);
    }
    response.locals.role = found;
    next();
  };
}

/** Reads a body of JSON, and refuses any other: a form can be sent by a page of another site. */
export const json: readonly RequestHandler[] = [
  (request, _, next) => {
    const type = request.headers['content-type'] ?? '';
    if (FORMS.test(type)) throw new HttpError(403, 'forms are refused; send application/json');
    if (!/^application\/json\b/i.test(type)) throw new HttpError(415, 'the content type must be application/json');
    next();
  },
  express.json({ limit: '64kb' }),
];
