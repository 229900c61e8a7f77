import { type Capability, whyNotAt } from '@strangler/plan';
import { type Request, Router } from 'express';
import type { Role } from '../auth.ts';
import type { Asker, CapabilityControl } from '../capability.ts';
import { type KeyedRequest, keyedRequest } from '../keyed-request.ts';
import { heading } from '../wanted.ts';
import type { Find } from './find.ts';
import { json, type Needs } from './guard.ts';
import { HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';
import { type Parsed, readNothing, readRamp, readRollback, readSet, readSettle } from './requests.ts';

/** What can be asked of the control of one capability: how it is read, and what it does. */
type Command<T> = {
  readonly read: (body: unknown) => Parsed<T>;
  readonly act: (control: CapabilityControl, asked: T, by: Asker, name: string) => Promise<void>;
  /** Default: operate. */
  readonly needs?: 'admin';
};

/** What an operator may want of a capability; each answers with its status, and an etag of its edit. */
export function commandRoutes({ plan }: AdminParts, needs: Needs, find: Find): Router {
  const routes = Router();
  const add = <T>(path: string, command: Command<T>) => {
    routes.post(
      `/capabilities/:name/${path}`,
      needs(command.needs ?? 'operate'),
      ...json,
      async (request, response) => {
        const name = String(request.params.name);
        const control = find.control(name);
        const asked = acceptedOf(command.read(request.body));
        const actor = response.locals.role as Role;
        const seen = versionOf(request.headers['if-match']);
        await command.act(control, asked, { actor, seen, request: keyOf(find, actor, request) }, name);
        response.set('etag', `"${control.edit}"`).json(control.status());
      },
    );
  };
  add('ramp', {
    read: readRamp,
    act: async (control, { action, steps, dwell }, by, name) => {
      const { ramp, split } = plan.capabilities[name]!;
      for (const step of steps ?? []) refuseAt({ split }, step);
      await control.transition((state) => {
        const at = heading(state);
        if (action === 'pause') return { type: 'pause', reason: `paused by ${by.actor}`, at };
        if (action === 'resume') return { type: 'resume', at };
        return { type: 'start', steps: steps ?? ramp.steps, dwell: dwell ?? ramp.dwell, at };
      }, by);
    },
  });
  add('set', {
    read: readSet,
    act: async (control, asked, by, name) => {
      const { split } = plan.capabilities[name]!;
      if ('user' in asked) {
        if (split === 'none')
          throw new HttpError(
            400,
            `${name} splits no users (split: none): all of it moves, with a percentage of 0 or 100`,
          );
        await control.pin(asked.user, asked.side, asked.reason, by);
        return;
      }
      refuseAt({ split }, asked.percentage);
      const reason = asked.reason || `set to ${asked.percentage} % by ${by.actor}`;
      await control.transition(() => ({ type: 'set', percentage: asked.percentage, reason }), by);
    },
  });
  add('rollback', {
    read: readRollback,
    act: async (control, { now, reason }, by) => {
      const why = reason || `rolled back by ${by.actor}`;
      await control.transition(() => ({ type: 'rollback', urgent: now, reason: why }), by);
    },
  });
  add('compared/forget', { read: readNothing, act: (control, _, by) => control.forgetComparisons(by) });
  add('settle', { read: readSettle, act: (control, { reason }, by) => control.settleLost(reason, by), needs: 'admin' });
  return routes;
}

/** Throws HttpError if the capability cannot be at this percentage. */
function refuseAt(capability: Pick<Capability, 'split'>, percentage: number): void {
  const why = whyNotAt(capability, percentage);
  if (why !== undefined) throw new HttpError(400, why);
}

/** What was asked. Throws HttpError naming everything that is wrong with it. */
export function acceptedOf<T>(asked: Parsed<T>): T {
  if ('mistakes' in asked) throw new HttpError(400, asked.mistakes.join('; '));
  return asked.value;
}

/** The key of a request, if it has one; it belongs to one request of any capability. */
export function keyOf(find: Find, actor: Role, request: Request): KeyedRequest | undefined {
  const key = request.get('idempotency-key');
  if (key === undefined) return undefined;
  if (!/^.{1,255}$/s.test(key)) throw new HttpError(400, 'an idempotency-key has 1 to 255 characters');
  const keyed = keyedRequest(actor, key, request);
  for (const one of find.active().capabilities.values()) one.checkKey(keyed); // storing the change looks once more
  return keyed;
}

/** The version an If-Match header names; undefined without one. */
function versionOf(match: string | undefined): number | undefined {
  if (match === undefined) return undefined;
  const version = /^"(\d+)"$/.exec(match)?.[1];
  if (version === undefined) throw new HttpError(400, 'if-match must be an etag this API gave');
  return Number(version);
}
