import { COMPARED, type Compared, type FromProxy } from '@strangler/plan';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && value.length <= 200;

const isFlight = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isCount(value.epoch) &&
  isCount(value.inFlight) &&
  isCount(value.unknownFor);

const isCounts = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  (value.side === 'monolith' || value.side === 'service') &&
  [value.requests, value.errors, value.hard, value.clientErrors, value.latency].every(isCount) &&
  Array.isArray(value.writers) &&
  value.writers.every((user) => typeof user === 'string');

const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= 4_000;
const isSample = (value: unknown): boolean =>
  isFields(value) &&
  isText(value.target) &&
  isText(value.at) &&
  [value.monolith, value.service].every((one) => one === null || isText(one));
const isGroup = (value: unknown): boolean =>
  isFields(value) &&
  [value.kind, value.severity, value.path].every(isText) &&
  isCount(value.count) &&
  Array.isArray(value.samples) &&
  value.samples.every(isSample);
const isComparison = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isText(value.route) &&
  isFields(value.results) &&
  Object.entries(value.results).every(([kind, count]) => COMPARED.includes(kind as Compared) && isCount(count)) &&
  Array.isArray(value.differences) &&
  value.differences.every(isGroup);

const SHAPES: Record<string, (message: Fields) => boolean> = {
  hello: ({ proxy, pid }) => isName(proxy) && isCount(pid),
  ack: ({ life, version, flights }) =>
    isName(life) && isCount(version) && Array.isArray(flights) && flights.every(isFlight),
  drained: ({ flight }) => isFlight(flight),
  confirm: ({ capability, id, user, from }) =>
    isName(capability) && isCount(id) && typeof user === 'string' && (from === 'monolith' || from === 'service'),
  compared: ({ comparisons }) => Array.isArray(comparisons) && comparisons.every(isComparison),
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
