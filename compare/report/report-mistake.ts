import { RESULT_KINDS } from '../engine/compare-replies.ts';
import { DIFFERENCE_KINDS, SEVERITIES } from '../engine/difference.ts';
import { parsePath } from '../rules/path.ts';

/** What is wrong with a value, as it goes on after its name: ` must be a count`, `[3].kind must be …`. */
type Check = (value: unknown) => string | undefined;

const check =
  (is: (value: unknown) => boolean, wants: string): Check =>
  (value) =>
    is(value) ? undefined : ` must be ${wants}`;
const oneOf = (all: readonly string[]): Check =>
  check((value) => all.includes(value as string), `one of ${all.join(', ')}`);
const maybe =
  (inner: Check): Check =>
  (value) =>
    value === undefined ? undefined : inner(value);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf =
  (inner: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return ' must be a list';
    for (let at = 0; at < value.length; at++) {
      const mistake = inner(value[at]);
      if (mistake) return `[${at}]${mistake}`;
    }
    return undefined;
  };
const record =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isRecord(value)) return ' must be an object';
    for (const [name, inner] of Object.entries(fields)) {
      const mistake = inner(Object.hasOwn(value, name) ? value[name] : undefined);
      if (mistake) return `.${name}${mistake}`;
    }
    return undefined;
  };

const count = check((value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a count');
const number = check((value) => Number.isFinite(value), 'a number');
const text = check((value) => typeof value === 'string', 'a text');

/** A path that was cut, and `status`, are shown and never walked. */
function isPath(given: unknown): boolean {
  if (typeof given !== 'string') return false;
  if (given === 'status' || given.includes('…')) return true;
  try {
    return parsePath(given, given.startsWith('$') ? '$' : 'headers').length >= 0;
  } catch {
    return false;
  }
}

const isTimes: Check = (value) =>
  isRecord(value) && !Object.values(value).some((one) => count(one)) ? undefined : ' must hold counts';
const isCounts: Check = (value) => {
  if (!isRecord(value)) return ' must be an object';
  const unknown = Object.keys(value).some((kind) => !(RESULT_KINDS as readonly string[]).includes(kind));
  if (unknown) return ` must count ${RESULT_KINDS.join(', ')} only`;
  return isTimes(value);
};

const path = check(isPath, 'a path');
const kind = oneOf(DIFFERENCE_KINDS);

const tallyOf = (shown: Check): Check => {
  const route = record({
    route: shown,
    counts: isCounts,
    comparable: maybe(count),
    mismatches: maybe(count),
    rate: maybe(number),
  });
  const sample = record({ at: maybe(shown), place: shown, old: maybe(shown), new: maybe(shown) });
  const group = record({
    id: check((value) => typeof value === 'string' && /^[0-9a-f]{6}$/.test(value), 'six hexadecimal digits'),
    route: shown,
    kind,
    path: (value) => shown(value) ?? path(value),
    severity: oneOf(SEVERITIES),
    pairs: count,
    differences: count,
    place: maybe(shown),
    samples: listOf(sample),
    numbers: maybe(record({ minimum: number, maximum: number })),
    milliseconds: maybe(number),
  });
  return record({ routes: listOf(route), groups: listOf(group), ungrouped: count });
};

const excused = record({ rule: text, kind, path: text, count, old: maybe(text), new: maybe(text) });
const result = record({ kind: oneOf(RESULT_KINDS), reason: maybe(text), excused: listOf(excused) });
const status = maybe(number);
const whole = tallyOf(text);
const report = record({
  counts: isCounts,
  tally: whole,
  findings: listOf(record({ rule: text, level: oneOf(['failure', 'warning']), kind: text, message: text })),
  cases: maybe(listOf(record({ name: text, method: text, path: text, old: status, new: status, result }))),
  noise: maybe(listOf(record({ group: (value) => whole({ routes: [], groups: [value], ungrouped: 0 }) }))),
  rules: maybe(listOf(record({ rule: record({ id: text }), pairs: count, hits: count, excused: isTimes }))),
});

const said = (mistake: string | undefined) => mistake?.replace(/^[. ]/, '');

/** No text in what a proxy says is longer. */
const LONGEST = 4_000;
const short = check(
  (value) => typeof value === 'string' && value.length <= LONGEST,
  'a text of at most 4,000 characters',
);
const sent = tallyOf(short);

/**
 * What is wrong with a tally that came over the wire: `groups[0].severity must be one of …`; undefined if whatever reads
 * tallies may have it. The mistake holds nothing of the value itself.
 */
export const tallyMistake = (value: unknown): string | undefined => said(sent(value));

/** The same of a report that is in a file, in which texts may be of any length. */
export const reportMistake = (value: unknown): string | undefined => said(report(value));
