import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { commandRoutes } from './commands.ts';
import { finder } from './find.ts';
import { fromHere, guard } from './guard.ts';
import { CODES, describe, HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';
import { proxyRoutes } from './proxies.ts';
import { readRoutes } from './reads.ts';
import { surveyRoutes } from './survey.ts';

function notFound(): never {
  throw new HttpError(404, 'there is nothing here; plan/admin.ts lists the routes');
}

/** The admin API of plan/admin.ts, as an Express application. */
export function adminApi(parts: AdminParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(fromHere);
  const [needs, find] = [guard(parts), finder(parts)];
  app.options('/{*path}', notFound); // a router would answer it by itself
  app.use(
    readRoutes(parts, needs, find),
    commandRoutes(parts, needs, find),
    proxyRoutes(parts, needs, find),
    surveyRoutes(needs, find),
  );
  app.use(notFound);
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const { status, message } = describe(error);
    if (status === 503 && !(error instanceof HttpError)) parts.log.error({ err: error, path: request.path }, 'refused');
    if (status === 401) response.set('www-authenticate', 'Bearer');
    const correlationId = response.locals.id as string;
    response.status(status).json({ error: { code: CODES[status] ?? 'bad-request', message, correlationId } });
  });
  return app;
}
