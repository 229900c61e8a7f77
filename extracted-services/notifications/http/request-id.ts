import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';

/** Takes over a sane X-Request-Id, mints one otherwise, and answers with it. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id');
  const id = given && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
  response.locals.requestId = id;
  response.set('X-Request-Id', id);
  next();
};
