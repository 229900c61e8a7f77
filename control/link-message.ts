import { validateRules } from '@strangler/compare';
import { COMPARED, type Compared, type FromProxy, MOST_NAMED } from '@strangler/plan';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && value.length <= 200;

const isUsers = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= MOST_NAMED && value.every((user) => typeof user === 'string');

const isFlight = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isCount(value.epoch) &&
  isCount(value.inFlight) &&
  isCount(value.unknownFor) &&
  isUsers(value.inFlightOf) &&
  isUsers(value.unknownOf);

const isCounts = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  (value.side === 'monolith' || value.side === 'service') &&
  [value.requests, value.errors, value.hard, value.clientErrors, value.latency].every(isCount) &&
  Array.isArray(value.writers) &&
  value.writers.every((user) => typeof user === 'string');

const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= 4_000;
const isListOf = (value: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);
const isMaybe = (value: unknown, is: (one: unknown) => boolean): boolean => value === undefined || is(value);
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isSample = (value: unknown): boolean =>
  isFields(value) && isText(value.place) && [value.at, value.old, value.new].every((one) => isMaybe(one, isText));
const isSpan = (value: unknown): boolean => isFields(value) && isNumber(value.minimum) && isNumber(value.maximum);
const isGroup = (value: unknown): boolean =>
  isFields(value) &&
  [value.route, value.kind, value.severity, value.path].every(isText) &&
  isMaybe(value.place, isText) &&
  isMaybe(value.numbers, isSpan) &&
  isMaybe(value.milliseconds, isCount) &&
  isCount(value.pairs) &&
  isCount(value.differences) &&
  isListOf(value.samples, isSample);
const isRoute = (value: unknown): boolean =>
  isFields(value) &&
  isText(value.route) &&
  isFields(value.counts) &&
  Object.entries(value.counts).every(([kind, count]) => COMPARED.includes(kind as Compared) && isCount(count));
const isTally = (value: unknown): boolean =>
  isFields(value) && isListOf(value.routes, isRoute) && isListOf(value.groups, isGroup) && isCount(value.ungrouped);
const isUsedRule = (value: unknown): boolean =>
  isFields(value) &&
  isRule(value.rule) &&
  isCount(value.pairs) &&
  isCount(value.hits) &&
  isFields(value.excused) &&
  Object.values(value.excused).every(isCount);
const isComparison = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isTally(value.replies) &&
  isTally(value.noise) &&
  isListOf(value.again, isText) &&
  isListOf(value.rules, isUsedRule);

const SHAPES: Record<string, (message: Fields) => boolean> = {
  hello: ({ proxy, pid, process }) => isName(proxy) && isCount(pid) && isName(process),
  ack: ({ term, version, flights }) =>
    isCount(term) && isCount(version) && Array.isArray(flights) && flights.every(isFlight),
  flight: ({ flight }) => isFlight(flight),
  confirm: ({ capability, id, user, from, theirs }) =>
    isName(capability) &&
    isCount(id) &&
    typeof user === 'string' &&
    (from === 'monolith' || from === 'service') &&
    typeof theirs === 'boolean',
  compared: ({ comparison }) => isComparison(comparison),
  counts: ({ counts }) => Array.isArray(counts) && counts.every(isCounts),
};

/** The message in a text from a proxy; undefined if it is none. */
export function readMessage(text: string): FromProxy | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(message) || typeof message.type !== 'string' || !Object.hasOwn(SHAPES, message.type)) return undefined;
  return SHAPES[message.type]!(message) ? (message as FromProxy) : undefined;
}

function isRule(value: unknown): boolean {
  try {
    return validateRules([value]).length === 1;
  } catch {
    return false;
  }
}
