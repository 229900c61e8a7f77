import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { databaseIsAway, isUnstorable } from '../database.ts';
import { NoTagsError } from '../tags.ts';
import { HttpError, notFound, unprocessable } from './http-error.ts';

const bodyErrors: Record<string, string> = {
  'entity.parse.failed': 'is not valid JSON',
  'entity.too.large': 'is too large',
};

const toHttpError = (thrown: unknown): HttpError => {
  if (thrown instanceof HttpError) return thrown;
  if (databaseIsAway(thrown)) return new HttpError(503, { server: ['the database cannot be reached, try again'] });
  if (thrown instanceof NoTagsError) return new HttpError(503, { tags: ['cannot be made at present, try again'] });
  if (isUnstorable(thrown)) return unprocessable({ body: ['holds a character that cannot be stored'] });
  const { status, type } = (thrown ?? {}) as { status?: unknown; type?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new HttpError(status, { body: [bodyErrors[String(type)] ?? 'cannot be read'] });
  }
  return new HttpError(500, { server: ['something went wrong'] });
};

/** The last route: no path matched. */
export const answerNotFound: RequestHandler = () => {
  throw notFound('path');
};

/** The only place that writes an error answer: `{errors: {name: [what is wrong]}}`, never a stack trace. */
export const answerErrors =
  (log: Logger): ErrorRequestHandler =>
  (thrown, _request, response, next) => {
    if (response.headersSent) return next(thrown);
    const { status, errors } = toHttpError(thrown);
    if (status >= 500) log.error({ err: thrown }, 'request failed');
    if (status === 503) response.set('Retry-After', '1');
    response.status(status).json({ errors });
  };
