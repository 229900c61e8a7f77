import { tallyMistake, validateRules } from '@strangler/compare';
import { type FromProxy, LACKS, LONGEST_ROUTE, MOST_NAMED, MOST_SURVEYED, MOST_TOLD_APART } from '@strangler/plan';

/** `kind path` of a difference. */
const LONGEST_PLACE = 4_100;
/** As long as a timer runs: nothing a proxy speaks of lasts longer, ms. */
const LONGEST = 2 ** 31 - 1;
/** More requests than a proxy counts between two messages. */
const MOST_COUNTED = 1e9;

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isTime = (value: unknown, longest = LONGEST): boolean =>
  typeof value === 'number' && value >= 0 && value <= longest;
const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && value.length <= 200;

const isUsers = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= MOST_NAMED && value.every((user) => typeof user === 'string');

const isFlight = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isWhole(value.epoch) &&
  isWhole(value.inFlight) &&
  isTime(value.unknownFor) &&
  isUsers(value.inFlightOf) &&
  isUsers(value.unknownOf);

/** Numbers that can be added up for as long as control runs, and be of one and the same requests. */
const isTally = ({ requests, errors, hard, clientErrors, latency }: Fields): boolean =>
  [requests, errors, hard, clientErrors].every(isWhole) &&
  Number(requests) <= MOST_COUNTED &&
  Number(errors) + Number(clientErrors) <= Number(requests) &&
  Number(hard) <= Number(errors) &&
  isTime(latency, Number(requests) * LONGEST);

const isUserCounts = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length === 4 &&
  value.every(isWhole) &&
  value[2]! <= value[1]! &&
  value[3]! <= value[2]!;

/** Counts of users that are among the requests. A proxy of an earlier version does not tell users apart. */
const isByUser = ({ users, ...all }: Fields): boolean => {
  if (users === undefined) return true;
  if (!Array.isArray(users) || users.length > MOST_TOLD_APART || !users.every(isUserCounts)) return false;
  return ['requests', 'errors', 'hard'].every(
    (name, at) => users.reduce((sum, counts) => sum + counts[at + 1]!, 0) <= Number(all[name]),
  );
};

const isCounts = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  (value.side === 'monolith' || value.side === 'service') &&
  isTally(value) &&
  isByUser(value) &&
  Array.isArray(value.writers) &&
  value.writers.every((user) => typeof user === 'string');

/** Requests, and those among them without a user. */
const isIdentityCounts = (value: unknown): boolean =>
  isFields(value) &&
  isWhole(value.requests) &&
  Number(value.requests) <= MOST_COUNTED &&
  LACKS.every((lack) => isWhole(value[lack])) &&
  LACKS.reduce((sum, lack) => sum + Number(value[lack]), 0) <= Number(value.requests);

const isIdentified = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.capability) &&
  isIdentityCounts(value.reads) &&
  isIdentityCounts(value.writes) &&
  (value.why === undefined || isName(value.why));

const isNamedUser = (value: unknown): boolean =>
  isFields(value) &&
  (typeof value.user === 'string' ||
    ((LACKS as readonly unknown[]).includes(value.lack) && typeof value.why === 'string'));

/** A time of a clock, ms since 1970; no clock is as far as the end of what dates can say. */
const isMoment = (value: unknown): boolean => isTime(value, 8.64e15);

const isSurveyedWrite = (value: unknown): boolean =>
  isFields(value) &&
  isWhole(value.id) &&
  (value.capability === null || isName(value.capability)) &&
  typeof value.route === 'string' &&
  value.route.length <= LONGEST_ROUTE &&
  typeof value.readOnly === 'boolean' &&
  isFields(value.users) &&
  Object.values(value.users).every(isNamedUser) &&
  isMoment(value.began) &&
  (value.ended === null || isMoment(value.ended)) &&
  isWhole(value.status);

const isGroupId = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{6}$/.test(value);
const isListOf = (value: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);
const isUsedRule = (value: unknown): boolean =>
  isFields(value) &&
  isRule(value.rule) &&
  isWhole(value.pairs) &&
  isWhole(value.hits) &&
  isFields(value.excused) &&
  Object.entries(value.excused).every(([what, times]) => what.length <= LONGEST_PLACE && isWhole(times));

/** What is wrong with what a proxy found; undefined if it may be added up and shown. */
function comparisonMistake(value: unknown): string | undefined {
  if (!isFields(value) || !isName(value.capability)) return 'names no capability';
  for (const name of ['replies', 'noise'] as const) {
    const mistake = tallyMistake(value[name]);
    if (mistake) return `${name}: ${mistake}`;
  }
  if (!isListOf(value.again, isGroupId)) return 'again: must be ids of groups';
  return isListOf(value.rules, isUsedRule) ? undefined : 'rules: must be valid rules with counts';
}

const SHAPES: Record<string, (message: Fields) => boolean> = {
  // A proxy of an earlier version names no process: it is registered all the same, and missed when it understands nothing.
  hello: ({ proxy, pid, process }) => isName(proxy) && isWhole(pid) && (process === undefined || isName(process)),
  ack: ({ term, version, flights }) =>
    isWhole(term) && isWhole(version) && Array.isArray(flights) && flights.every(isFlight),
  flight: ({ flight }) => isFlight(flight),
  confirm: ({ capability, id, user, from, theirs }) =>
    isName(capability) &&
    isWhole(id) &&
    typeof user === 'string' &&
    (from === 'monolith' || from === 'service') &&
    typeof theirs === 'boolean',
  counts: ({ counts }) => Array.isArray(counts) && counts.every(isCounts),
  surveyed: ({ at, writes, dropped }) =>
    isMoment(at) &&
    isWhole(dropped) &&
    Array.isArray(writes) &&
    writes.length <= MOST_SURVEYED &&
    writes.every(isSurveyedWrite),
  identified: ({ identified }) => Array.isArray(identified) && identified.every(isIdentified),
};

/** What comparing found, in a form that cannot be used, and why: watching must not cost a proxy its stream. */
export type RefusedFindings = { readonly type: 'refused'; readonly why: string };

/** The message in a text from a proxy; undefined if it is none. */
export function readMessage(text: string): FromProxy | RefusedFindings | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isFields(message) && message.type === 'compared') {
    const why = comparisonMistake(message.comparison);
    return why === undefined ? (message as FromProxy) : { type: 'refused', why };
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
