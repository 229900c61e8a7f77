import {
  isUserPercentage,
  parseDuration,
  type RampRequest,
  type RollbackRequest,
  type SettleRequest,
  type Side,
} from '@strangler/plan';
import { mayBeNamed } from '../handoff-state.ts';

/** A request with everything wrong in it named; nothing else is to be believed then. */
export type Parsed<T> = { readonly value: T } | { readonly mistakes: readonly string[] };

type Fields = Record<string, unknown>;

/** What `POST …/ramp` asks, with the dwell in ms. */
export type RampWish = Omit<RampRequest, 'dwell'> & { readonly dwell?: number };
/** What `POST …/set` asks. */
export type SetWish =
  | { readonly percentage: number; readonly reason: string }
  | { readonly user: string; readonly side: Side | null; readonly reason: string };

function open(body: unknown, fields: readonly string[], mistakes: string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    mistakes.push('the body must be a JSON object');
    return {};
  }
  for (const name of Object.keys(body)) {
    if (!fields.includes(name)) mistakes.push(`${JSON.stringify(name)} is no field; there are ${fields.join(', ')}`);
  }
  return body as Fields;
}

function reasonOf({ reason }: Fields, mistakes: string[]): string {
  if (reason === undefined) return '';
  if (typeof reason === 'string' && reason.length <= 500) return reason;
  mistakes.push('reason must be a text of at most 500 characters');
  return '';
}

const answer = <T>(value: T, mistakes: readonly string[]): Parsed<T> => (mistakes.length ? { mistakes } : { value });

/** Reads the body of a RampRequest. */
export function readRamp(body: unknown): Parsed<RampWish> {
  const mistakes: string[] = [];
  const { action, steps, dwell } = open(body, ['action', 'steps', 'dwell'], mistakes);
  if (action !== 'start' && action !== 'pause' && action !== 'resume') {
    mistakes.push('action must be start, pause or resume');
  }
  if (steps !== undefined) {
    const list: unknown[] = Array.isArray(steps) ? steps : [];
    const valid = list.length > 0 && list.every((step) => isUserPercentage(step) && step > 0);
    if (!valid) mistakes.push('steps must be a list of percentages above 0, at most 100, in steps of 0.01');
    else if (list.some((step, at) => at > 0 && Number(step) <= Number(list[at - 1]))) mistakes.push('steps must rise');
  }
  const watched = typeof dwell === 'string' ? parseDuration(dwell) : undefined;
  if (dwell !== undefined && watched === undefined) mistakes.push('dwell must be a duration such as 30s or 10m');
  if (action !== 'start' && (steps !== undefined || dwell !== undefined)) {
    mistakes.push('steps and dwell go with action start only');
  }
  const value = {
    action: action as RampRequest['action'],
    ...(steps !== undefined && { steps: steps as number[] }),
    ...(watched !== undefined && { dwell: watched }),
  };
  return answer(value, mistakes);
}

/** Reads the body of a SetRequest. */
export function readSet(body: unknown): Parsed<SetWish> {
  const mistakes: string[] = [];
  const fields = open(body, ['percentage', 'user', 'side', 'reason'], mistakes);
  const reason = reasonOf(fields, mistakes);
  const { percentage, user, side } = fields;
  if ((percentage === undefined) === (user === undefined)) mistakes.push('either percentage or user is needed');
  if (percentage !== undefined && !isUserPercentage(percentage)) {
    mistakes.push('percentage must be a number from 0 to 100 in steps of 0.01');
  }
  if (user === undefined) {
    if (side !== undefined) mistakes.push('side goes with user only');
    return answer({ percentage: percentage as number, reason }, mistakes);
  }
  if (typeof user !== 'string' || !mayBeNamed(user))
    mistakes.push('user must be a text of 1 to 190 characters, without NUL and lone surrogates');
  if (side !== 'monolith' && side !== 'service' && side !== null) {
    mistakes.push('side must be monolith, service, or null to lift the pin');
  }
  return answer({ user: user as string, side: side as Side | null, reason }, mistakes);
}

/** Reads the body of a DismissRequest. */
export function readDismiss(body: unknown): Parsed<{ readonly loss: string | undefined; readonly reason: string }> {
  const mistakes: string[] = [];
  const fields = open(body ?? {}, ['loss', 'reason'], mistakes);
  const { loss } = fields;
  if (loss !== undefined && (typeof loss !== 'string' || !loss))
    mistakes.push('loss must be what GET /status calls it');
  return answer({ loss: loss as string | undefined, reason: reasonOf(fields, mistakes) }, mistakes);
}

/** Reads the body of a SurveyRequest. */
export function readSurvey(body: unknown): Parsed<{ readonly after: number | undefined }> {
  const mistakes: string[] = [];
  const { after } = open(body ?? {}, ['after'], mistakes);
  if (after !== undefined && !(Number.isSafeInteger(after) && Number(after) >= 0))
    mistakes.push('after must be the next of an earlier answer');
  return answer({ after: after as number | undefined }, mistakes);
}

/** Reads a body that says nothing. */
export function readNothing(body: unknown): Parsed<null> {
  const mistakes: string[] = [];
  for (const name of Object.keys(open(body ?? {}, [], mistakes))) mistakes.push(`${JSON.stringify(name)} is no field`);
  return answer(null, mistakes);
}

/** Reads the body of a SettleRequest. */
export function readSettle(body: unknown): Parsed<SettleRequest> {
  const mistakes: string[] = [];
  const fields = open(body, ['lost', 'reason'], mistakes);
  if (fields.lost !== true) mistakes.push('lost must be true: it says that the service’s database is gone for good');
  const reason = reasonOf(fields, mistakes);
  if (!reason) mistakes.push('a reason is needed; it is kept for the audit');
  return answer({ lost: true, reason }, mistakes);
}

/** Reads the body of a RollbackRequest. */
export function readRollback(body: unknown): Parsed<Required<RollbackRequest>> {
  const mistakes: string[] = [];
  const fields = open(body, ['now', 'reason'], mistakes);
  const { now = false } = fields;
  if (typeof now !== 'boolean') mistakes.push('now must be true or false');
  return answer({ now: now as boolean, reason: reasonOf(fields, mistakes) }, mistakes);
}
