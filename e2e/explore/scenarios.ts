import type { Request } from './shop.ts';
import type { Scenario } from './world.ts';

const note = (user: Request['user'] = 'ada', purchase = 'x'): Request => ({ user, does: 'note', purchase });
const buy = (purchase = 'p', user: Request['user'] = 'ada'): Request => ({ user, does: 'buy', purchase });
const cancel = (purchase = 'x', user: Request['user'] = 'ada'): Request => ({ user, does: 'cancel', purchase });
const add: Request = { user: 'ada', does: 'add', purchase: 'x' };
const drop = (added: string): Request => ({ user: 'ada', does: 'drop', purchase: 'x', added });
const byJob = (request: Request): Request => ({ ...request, past: 'monolith' });
const again = (request: Request, retries: number): Request => ({ ...request, retries });

/** 50 % takes ada along and leaves bob; 100 % takes both. */
const [ADA, BOTH] = [5_000, 10_000];
const forward = [{ target: ADA }];
const thereAndBack = [{ target: ADA }, { target: 0 }];
const urgentBack = [{ target: ADA }, { target: 0, urgent: true }];

/** Handoffs in which no write turns up where its user no longer is: no row is ever in doubt. */
export const ORDERLY: readonly Scenario[] = [
  { name: 'forward', requests: [note(), buy()], wants: forward, troubles: { cancels: 1 } },
  { name: 'there and back', requests: [note(), note()], wants: thereAndBack },
  {
    ...{ name: 'two users, one moves', requests: [note(), note('bob')], wants: forward },
    ...{ batches: true, troubles: { cancels: 1 } },
  },
  { name: 'two users, both move', requests: [note(), cancel('x', 'bob')], wants: [{ target: BOTH }, { target: ADA }] },
  { name: 'an order and its items', requests: [add, drop('a'), cancel()], wants: thereAndBack },
  { name: 'bought, changed, cancelled', requests: [buy(), note('ada', 'p'), cancel('p')], wants: thereAndBack },
  { name: 'two proxies', requests: [note(), note()], wants: forward, proxies: 2 },
  { name: 'control dies anywhere', requests: [note(), note()], wants: forward, troubles: { crashes: 1 } },
  { name: 'control dies on the way back', requests: [note()], wants: thereAndBack, troubles: { crashes: 1 } },
  { name: 'a statement of control fails', requests: [note()], wants: thereAndBack, troubles: { errors: 2 } },
  { name: 'a statement of control arrives late', requests: [note()], wants: thereAndBack, troubles: { floats: 1 } },
  {
    ...{ name: 'an applier dies anywhere', requests: [note(), add], wants: thereAndBack },
    ...{ gaps: true, troubles: { restarts: 1 } },
  },
  { name: 'two appliers at once', requests: [note(), cancel()], wants: forward, appliers: 2 },
  { name: 'a proxy dies', requests: [note(), note()], wants: thereAndBack, troubles: { kills: 1 } },
  {
    ...{ name: 'a proxy dies while it holds', requests: [note()], wants: forward },
    ...{ proxies: 2, troubles: { kills: 1, cancels: 1 } },
  },
  { name: 'an answer is lost', requests: [buy(), again(buy(), 0)], wants: thereAndBack, troubles: { losses: 1 } },
];

/** Writes that turn up where their user no longer is. */
export const LATE: readonly Scenario[] = [
  {
    ...{ name: 'a lost change arrives late', late: true, requests: [note(), note()], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  {
    ...{ name: 'a purchase is clicked again', late: true, requests: [buy(), again(buy(), 0)], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  {
    ...{ name: 'a lost cancellation arrives late', late: true, requests: [cancel(), add], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  { name: 'a job writes past the proxy', late: true, requests: [byJob(note()), note(), note()], wants: thereAndBack },
  { name: 'a job cancels past the proxy', late: true, requests: [byJob(cancel()), note(), add], wants: thereAndBack },
  { name: 'a job buys past the proxy', late: true, requests: [byJob(buy()), buy()], wants: thereAndBack },
  { name: 'an urgent rollback', late: true, requests: [note(), note(), note()], wants: urgentBack },
  { name: 'an urgent rollback, with items', late: true, requests: [add, cancel(), note()], wants: urgentBack },
];

/** Rollbacks that go by force, because the service's database or the stream from it does not answer in time. */
export const FORCED: readonly Scenario[] = [
  {
    ...{ name: 'forced, the applier behind', late: true, requests: [note(), note()], wants: urgentBack },
    troubles: { cancels: 1 },
  },
  {
    ...{ name: 'forced, the service away', late: true, requests: [note()], wants: urgentBack },
    troubles: { outages: 1 },
  },
  {
    ...{ name: 'forced, then forward again', late: true, requests: [note(), note()] },
    ...{ wants: [...urgentBack, { target: ADA }], troubles: { cancels: 1 } },
  },
  {
    ...{ name: 'forced, and control dies anywhere', late: true, requests: [note()], wants: urgentBack },
    troubles: { cancels: 1, crashes: 1 },
  },
  {
    ...{ name: 'forced out of any phase', late: true, requests: [note()], wants: urgentBack },
    troubles: { outages: 1, crashes: 1 },
  },
  {
    ...{
      name: 'forced, an applier between look and commit',
      late: true,
      requests: [note(), note()],
      wants: urgentBack,
    },
    ...{ gaps: true, troubles: { cancels: 1 } },
  },
  {
    ...{
      name: 'forced, with a purchase clicked again',
      late: true,
      requests: [buy(), again(buy(), 0)],
      wants: urgentBack,
    },
    troubles: { cancels: 1, losses: 1 },
  },
  {
    ...{ name: 'forced, with items', late: true, requests: [add, cancel()], wants: urgentBack },
    troubles: { cancels: 1 },
  },
  {
    ...{ name: 'the service gone for good', late: true, requests: [note(), note()], wants: urgentBack },
    troubles: { disasters: 1 },
  },
];
