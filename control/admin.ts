import { randomUUID } from 'node:crypto';
import type { DecisionRecord, Plan, Status } from '@strangler/plan';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { Active } from './active.ts';
import { mayAct, type Role, roleOf } from './auth.ts';
import type { Asker, CapabilityControl } from './capability.ts';
import { type KeyedRequest, KeyReused, keyedRequest } from './keyed-request.ts';
import { type Parsed, readDismiss, readNothing, readRamp, readRollback, readSet, readSettle } from './requests.ts';
import type { NewRecord } from './store.ts';
import { SupersededError } from './stored-state.ts';
import { heading, NotNow } from './wanted.ts';

/** What the admin API works on. */
export type AdminParts = {
  readonly plan: Plan;
  readonly active: () => Active | undefined;
  readonly status: () => Status;
  readonly metrics: () => Promise<string>;
  readonly record: (record: NewRecord) => Promise<void>;
  readonly records: (filter: { capability?: string; after: number; limit: number }) => Promise<DecisionRecord[]>;
  readonly log: Logger;
};

const CODES: Record<number, string> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  415: 'unsupported-media-type',
  422: 'key-reused',
  503: 'unavailable',
};

class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Why a proxy was not dismissed. */
const NOT_DISMISSED = {
  unknown: () => new HttpError(404, 'no proxy of this name is registered'),
  linked: () => new HttpError(409, 'this proxy is linked; stop it instead, then it leaves by itself'),
  another: () =>
    new HttpError(409, 'this is another loss: the proxy was linked since, or control has started anew; look again'),
};

const FORMS = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/** The admin API of plan/admin.ts, as an Express application. */
export function adminApi(parts: AdminParts): Express {
  const { plan, log } = parts;
  const role = roleOf(plan.control.tokens);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');

  app.use((request, response, next) => {
    response.locals.id = randomUUID();
    response.set({ 'cache-control': 'no-store', 'x-correlation-id': response.locals.id as string });
    const { origin, host } = request.headers;
    if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)) {
      throw new HttpError(403, 'requests from other sites are refused');
    }
    next();
  });

  const needs =
    (needed: 'read' | 'operate' | 'admin') => async (request: Request, response: Response, next: NextFunction) => {
      const found = role(request.headers.authorization);
      if (!found) {
        log.warn(
          { method: request.method, path: request.path, peer: request.socket.remoteAddress },
          'denied: no token',
        );
        throw new HttpError(401, 'a bearer token of the Plan’s control.tokens is needed');
      }
      if (!mayAct(found, needed)) {
        const what = `${request.method} ${request.path}`;
        log.warn({ method: request.method, path: request.path, role: found }, 'denied: role');
        const denied = { capability: '', event: 'denied', actor: found, reason: what, inputs: {} };
        await parts
          .record(denied)
          .catch((error: unknown) => log.error({ err: error }, 'the audit could not be written'));
        throw new HttpError(403, `a token of role ${found} may not do this; ${needed} is needed`);
      }
      response.locals.role = found;
      next();
    };

  const json = [
    (request: Request, _: Response, next: NextFunction) => {
      const type = request.headers['content-type'] ?? '';
      if (FORMS.test(type)) throw new HttpError(403, 'forms are refused; send application/json');
      if (!/^application\/json\b/i.test(type)) throw new HttpError(415, 'the content type must be application/json');
      next();
    },
    express.json({ limit: '64kb' }),
  ];

  const working = (): Active => {
    const active = parts.active();
    if (!active) throw new HttpError(503, 'this control is a standby; ask the active one');
    return active;
  };

  const find = (name: string): CapabilityControl => {
    const found = Object.hasOwn(plan.capabilities, name) ? working().capabilities.get(name) : undefined;
    if (found) return found;
    throw new HttpError(
      404,
      `there is no capability of this name; there are ${Object.keys(plan.capabilities).join(', ')}`,
    );
  };

  app.get('/health', (_, response) => void response.json({ status: 'ok', active: parts.active() !== undefined }));
  app.get('/metrics', async (_, response) => {
    response.type('text/plain; version=0.0.4').send(await parts.metrics());
  });
  app.get('/status', needs('read'), (_, response) => void response.json(parts.status()));
  app.get('/owner/:capability/:user', needs('read'), (request, response) => {
    response.json(find(String(request.params.capability)).owner(String(request.params.user)));
  });
  app.get('/records', needs('read'), async (request, response) => {
    const { capability, after = '0', limit = '100' } = request.query;
    if (capability !== undefined && typeof capability !== 'string')
      throw new HttpError(400, 'capability must be one name');
    const mistakes = [
      ...(/^\d{1,15}$/.test(String(after)) ? [] : ['after must be the id of a record']),
      ...(/^[1-9]\d{0,3}$/.test(String(limit)) && Number(limit) <= 1_000 ? [] : ['limit must be 1 to 1000']),
    ];
    if (mistakes.length) throw new HttpError(400, mistakes.join('; '));
    const filter = { ...(capability && { capability }), after: Number(after), limit: Number(limit) };
    response.json({ records: await parts.records(filter) });
  });

  /** The key of a request, if it has one; it belongs to one request of any capability. */
  const keyOf = (actor: Role, request: Request): KeyedRequest | undefined => {
    const key = request.get('idempotency-key');
    if (key === undefined) return undefined;
    if (!/^.{1,255}$/s.test(key)) throw new HttpError(400, 'an idempotency-key has 1 to 255 characters');
    const keyed = keyedRequest(actor, key, request);
    for (const one of working().capabilities.values()) one.checkKey(keyed); // storing the change looks once more
    return keyed;
  };

  const mutation = <T>(
    path: string,
    read: (body: unknown) => Parsed<T>,
    act: (control: CapabilityControl, asked: T, by: Asker, name: string) => Promise<void>,
    needed: 'operate' | 'admin' = 'operate',
  ) => {
    app.post(`/capabilities/:name/${path}`, needs(needed), ...json, async (request, response) => {
      const name = String(request.params.name);
      const control = find(name);
      const asked = read(request.body);
      if ('mistakes' in asked) throw new HttpError(400, asked.mistakes.join('; '));
      const actor = response.locals.role as Role;
      const seen = versionOf(request.headers['if-match']);
      const keyed = keyOf(actor, request);
      await act(control, asked.value, { actor, seen, request: keyed }, name);
      response.set('etag', tag(control)).json(control.status());
    });
  };

  mutation('ramp', readRamp, async (control, { action, steps, dwell }, by, name) => {
    const { ramp } = plan.capabilities[name]!;
    await control.transition((state) => {
      const at = heading(state);
      if (action === 'pause') return { type: 'pause', reason: `paused by ${by.actor}`, at };
      if (action === 'resume') return { type: 'resume', at };
      return { type: 'start', steps: steps ?? ramp.steps, dwell: dwell ?? ramp.dwell, at };
    }, by);
  });
  mutation('set', readSet, async (control, asked, by) => {
    if ('user' in asked) {
      await control.pin(asked.user, asked.side, asked.reason, by);
      return;
    }
    const reason = asked.reason || `set to ${asked.percentage} % by ${by.actor}`;
    await control.transition(() => ({ type: 'set', percentage: asked.percentage, reason }), by);
  });
  mutation('rollback', readRollback, async (control, { now, reason }, by) => {
    await control.transition(
      () => ({ type: 'rollback', urgent: now, reason: reason || `rolled back by ${by.actor}` }),
      by,
    );
  });
  app.get('/capabilities/:name/compared', needs('read'), (request, response) => {
    const capability = String(request.params.name);
    response.json({ capability, ...find(capability).comparisons.found });
  });
  mutation('compared/forget', readNothing, (control, _, by) => control.forgetComparisons(by));
  app.post('/proxies/:name/dismiss', needs('operate'), ...json, async (request, response) => {
    const proxy = String(request.params.name);
    const asked = readDismiss(request.body);
    if ('mistakes' in asked) throw new HttpError(400, asked.mistakes.join('; '));
    const actor = response.locals.role as Role;
    const { loss } = asked.value;
    const reason = asked.value.reason || `dismissed by ${actor}`;
    if (keyOf(actor, request) && loss === undefined) {
      throw new HttpError(400, 'with an idempotency-key, loss must say which one is meant: GET /status names it');
    }
    const { link } = working();
    const record = { capability: '', event: 'dismiss', actor, reason, inputs: { proxy } };
    const found = await link.registry.dismiss(proxy, loss, record);
    if (found !== 'dismissed') throw NOT_DISMISSED[found]();
    log.warn({ proxy, actor, reason }, 'a lost proxy was dismissed');
    link.activity.wake();
    response.json(parts.status());
  });
  mutation('settle', readSettle, (control, { reason }, by) => control.settleLost(reason, by), 'admin');

  app.use(() => {
    throw new HttpError(404, 'there is nothing here; the routes stand in plan/admin.ts');
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const { status, message } = describe(error);
    if (status === 503 && !(error instanceof HttpError)) log.error({ err: error, path: request.path }, 'refused');
    if (status === 401) response.set('www-authenticate', 'Bearer');
    const correlationId = response.locals.id as string;
    response.status(status).json({ error: { code: CODES[status] ?? 'bad-request', message, correlationId } });
  });
  return app;
}

/** The version an If-Match header names; undefined without one. */
function versionOf(match: string | undefined): number | undefined {
  if (match === undefined) return undefined;
  const version = /^"(\d+)"$/.exec(match)?.[1];
  if (version === undefined) throw new HttpError(400, 'if-match must be an etag this API gave');
  return Number(version);
}

const tag = (control: CapabilityControl): string => `"${control.edit}"`;

/** The status and sentence of an error; what is none of the caller’s doing is 503, without its details. */
function describe(error: unknown): { status: number; message: string } {
  if (error instanceof HttpError) return error;
  if (error instanceof KeyReused) return { status: 422, message: error.message };
  if (error instanceof NotNow) return { status: 409, message: error.message };
  if (error instanceof SupersededError) return { status: 503, message: error.message };
  if (error instanceof URIError) return { status: 400, message: 'the path is not valid' };
  const { status, type } = error as { status?: number; type?: string };
  if (type === 'entity.too.large') return { status: 413, message: 'the body is too large' };
  if (status && status >= 400 && status < 500) return { status: 400, message: 'the body is not valid JSON' };
  return {
    status: 503,
    message: 'the state cannot be written or read now; see by the status whether anything has changed, and try again',
  };
}
