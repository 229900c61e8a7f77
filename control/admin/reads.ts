import { type Request, Router } from 'express';
import type { Find } from './find.ts';
import type { Needs } from './guard.ts';
import { HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';

/** What can be asked of control. */
export function readRoutes(parts: AdminParts, needs: Needs, find: Find): Router {
  const routes = Router();
  routes.get('/health', (_, response) => void response.json({ status: 'ok', active: parts.active() !== undefined }));
  routes.get('/metrics', async (_, response) => {
    response.type('text/plain; version=0.0.4').send(await parts.metrics());
  });
  routes.get('/status', needs('read'), (_, response) => void response.json(parts.status()));
  routes.get('/owner/:capability/:user', needs('read'), (request, response) => {
    response.json(find.control(String(request.params.capability)).owner(String(request.params.user)));
  });
  routes.get('/records', needs('read'), async (request, response) => {
    response.json({ records: await parts.records(filterOf(request)) });
  });
  routes.get('/capabilities/:name/compared', needs('read'), (request, response) => {
    const capability = String(request.params.name);
    response.json({ capability, ...find.control(capability).comparisons.found });
  });
  return routes;
}

/** Which records are asked for. Throws HttpError naming what is wrong. */
function filterOf({ query: { capability, after = '0', limit = '100' } }: Request) {
  if (capability !== undefined && typeof capability !== 'string')
    throw new HttpError(400, 'capability must be one name');
  const mistakes = [
    ...(/^\d{1,15}$/.test(String(after)) ? [] : ['after must be the id of a record']),
    ...(/^[1-9]\d{0,3}$/.test(String(limit)) && Number(limit) <= 1_000 ? [] : ['limit must be 1 to 1000']),
  ];
  if (mistakes.length) throw new HttpError(400, mistakes.join('; '));
  return { ...(capability && { capability }), after: Number(after), limit: Number(limit) };
}
