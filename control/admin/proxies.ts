import { Router } from 'express';
import type { Role } from '../auth.ts';
import { acceptedOf, keyOf } from './commands.ts';
import type { Find } from './find.ts';
import { json, type Needs } from './guard.ts';
import { HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';
import { readDismiss } from './requests.ts';

/** Why a proxy was not dismissed. */
const NOT_DISMISSED = {
  unknown: () => new HttpError(404, 'no proxy of this name is registered'),
  linked: () => new HttpError(409, 'this proxy is linked; stop it instead, then it leaves by itself'),
  another: () =>
    new HttpError(409, 'this is another loss: the proxy was linked since, or control has restarted; look again'),
};

/** What an operator may want of a proxy. */
export function proxyRoutes({ log, status }: AdminParts, needs: Needs, find: Find): Router {
  const routes = Router();
  routes.post('/proxies/:name/dismiss', needs('operate'), ...json, async (request, response) => {
    const proxy = String(request.params.name);
    const actor = response.locals.role as Role;
    const { loss, reason: given } = acceptedOf(readDismiss(request.body));
    const reason = given || `dismissed by ${actor}`;
    if (keyOf(find, actor, request) && loss === undefined) {
      throw new HttpError(400, 'with an idempotency-key, loss must say which one is meant: GET /status names it');
    }
    const { link } = find.active();
    const record = { capability: '', event: 'dismiss', actor, reason, inputs: { proxy } };
    const found = await link.registry.dismiss(proxy, loss, record);
    if (found !== 'dismissed') throw NOT_DISMISSED[found]();
    log.warn({ proxy, actor, reason }, 'a lost proxy was dismissed');
    link.activity.wake();
    response.json(status());
  });
  return routes;
}
