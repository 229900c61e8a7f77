import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { HttpError } from './http-error.ts';

const bodyParserCodes: Record<string, [code: string, message: string]> = {
  'entity.parse.failed': ['validation', 'the body is not valid JSON'],
  'entity.too.large': ['too_large', 'the body is larger than 100 kB'],
};

/** Turns whatever was thrown into the status, code and message the client may see; anything unknown is a bare 500. */
export const toHttpError = (thrown: unknown, databaseIsAway: (thrown: unknown) => boolean): HttpError => {
  if (thrown instanceof HttpError) return thrown;
  if (databaseIsAway(thrown)) return new HttpError(503, 'unavailable', 'the database cannot be reached, try again');
  const { status, type } = (thrown ?? {}) as { status?: unknown; type?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const [code, message] = bodyParserCodes[String(type)] ?? ['bad_request', STATUS_CODES[status] ?? 'Bad Request'];
    return new HttpError(status, code, message);
  }
  return new HttpError(500, 'internal', 'something went wrong on our side');
};

/** The last route: no path matched. */
export const answerNotFound: RequestHandler = () => {
  throw new HttpError(404, 'not_found', 'there is nothing at this path');
};

/** The only place that writes an error answer: `{error: {code, message, requestId}}`, never a stack trace. */
export const answerErrors =
  (log: Logger, databaseIsAway: (thrown: unknown) => boolean): ErrorRequestHandler =>
  (thrown, _request, response, next) => {
    if (response.headersSent) return next(thrown);
    const { status, code, message, details } = toHttpError(thrown, databaseIsAway);
    const requestId = response.locals.requestId as string;
    if (status >= 500) log.error({ error: loggable(thrown), requestId }, 'request failed');
    if (status === 503) response.set('Retry-After', '1');
    response.status(status).json({ error: { code, message, requestId, ...(details && { details }) } });
  };

/** An error without the statement and the values that some libraries attach to theirs. */
const loggable = (thrown: unknown) => {
  const { name, message, stack, code, cause } = (thrown ?? {}) as Error & { code?: unknown };
  return { name, message, code, stack, cause: cause instanceof Error ? cause.message : undefined };
};
