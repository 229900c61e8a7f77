import { parsePath } from './path.ts';
import { type ScopedTo, scopeMistakes } from './scope.ts';

/**
 * Why two replies may differ at one exact path. Of a JSON, form or text body the path begins with `$`
 * (`$.orders[*].total`), of a header it is `headers.<name>`; a status is never excused.
 * A rule reaches what it names and what lies inside that, nothing else.
 */
export type Rule = {
  /** Unique; is in results and is counted. */
  readonly id: string;
  /** Why the difference is right, for whoever reads the rule in a year. */
  readonly reason: string;
  readonly path: string;
  /** Who answers for it. */
  readonly owner?: string;
  /** The last day it excuses anything, `2027-03-31`, in UTC; from the next day on it is reported as expired. */
  readonly until?: string;
  /** Differences per pair that old against old showed; if it comes to excuse many more, that is reported. */
  readonly usual?: number;
} & ScopedTo &
  RuleKind;

export type RuleKind =
  /** Anything goes, absence included. */
  | { readonly kind: 'ignore' }
  /**
   * Types, names and formats (uuid, timestamp …) must agree, values and array lengths need not. New numbers may be
   * bound by `minimum` and `maximum`, timestamps to lie within `milliseconds` of the old one.
   */
  | {
      readonly kind: 'shape-only';
      readonly minimum?: number;
      readonly maximum?: number;
      readonly milliseconds?: number;
    }
  /** Numbers may differ by `absolute` or by the share `relative` of the greater, timestamps by `milliseconds`. */
  | {
      readonly kind: 'tolerance';
      readonly absolute?: number;
      readonly relative?: number;
      readonly milliseconds?: number;
    }
  /** The array's elements may stand in any order. */
  | { readonly kind: 'unordered' }
  /** The array may stand in another order if each side is sorted by the texts in this member, by its own collation. */
  | { readonly kind: 'collation'; readonly by: string }
  /** The array's elements are paired by this member instead of by position; their order still counts. */
  | { readonly kind: 'keyed-by'; readonly key: string }
  /** The member the path ends in is called `to` in the new reply. */
  | { readonly kind: 'rename'; readonly to: string }
  /** Ids may differ but must correspond one to one, in everything compared with the same rule set and `map`. */
  | { readonly kind: 'id-map'; readonly map: string }
  /** `"19.90"` and `19.9` are the same number. */
  | { readonly kind: 'numeric-string-is-number' }
  /** `1` is true and `0` is false. */
  | { readonly kind: 'number-is-boolean' }
  /** A member that is null and one that is not there are the same. */
  | { readonly kind: 'null-is-absent' }
  /** The empty text and null are the same. */
  | { readonly kind: 'empty-is-null' }
  /** Timestamps less than `milliseconds` (1) apart are the same; one without a zone only if `zone` says which it has. */
  | { readonly kind: 'same-instant'; readonly zone?: string; readonly milliseconds?: number };

export type RuleOf<K extends Rule['kind']> = Extract<Rule, { kind: K }>;

type Field = 'text' | 'number' | 'zone';
interface Fields {
  readonly required?: Readonly<Record<string, Field>>;
  readonly optional?: Readonly<Record<string, Field>>;
  /** At least one of the optional ones must be there. */
  readonly some?: true;
}

const FIELDS: Readonly<Record<Rule['kind'], Fields>> = {
  ignore: {},
  'shape-only': { optional: { minimum: 'number', maximum: 'number', milliseconds: 'number' } },
  tolerance: { optional: { absolute: 'number', relative: 'number', milliseconds: 'number' }, some: true },
  unordered: {},
  collation: { required: { by: 'text' } },
  'keyed-by': { required: { key: 'text' } },
  rename: { required: { to: 'text' } },
  'id-map': { required: { map: 'text' } },
  'numeric-string-is-number': {},
  'number-is-boolean': {},
  'null-is-absent': {},
  'empty-is-null': {},
  'same-instant': { optional: { zone: 'zone', milliseconds: 'number' } },
};

/** Every kind of rule there is. */
export const RULE_KINDS = Object.keys(FIELDS) as readonly Rule['kind'][];

const COMMON = ['id', 'reason', 'path', 'kind', 'owner', 'until', 'usual', 'routes', 'statuses'];

/** Rules that cannot be used; `mistakes` lists every one, not only the first. */
export class RuleError extends Error {
  readonly code = 'BAD_RULES';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`The rules have ${mistakes.length} mistake(s):\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
    this.name = 'RuleError';
    this.mistakes = mistakes;
  }
}

/** Returns the rules as they are, or throws a RuleError that names every mistake in them. */
export function validateRules(rules: unknown): readonly Rule[] {
  if (!Array.isArray(rules)) throw new RuleError(['rules must be a list']);
  const mistakes = rules.flatMap((rule, index) =>
    mistakesIn(rule).map((mistake) => `${label(rule, index)}: ${mistake}`),
  );
  mistakes.push(...repeated(rules));
  if (mistakes.length > 0) throw new RuleError(mistakes);
  return rules as readonly Rule[];
}

function mistakesIn(rule: unknown): string[] {
  if (!isRecord(rule)) return ['must be an object'];
  const mistakes: string[] = [];
  for (const name of ['id', 'reason', 'path', 'kind']) {
    if (!isText(rule[name])) mistakes.push(`${name} must be a non-empty text`);
  }
  if (rule.owner !== undefined && !isText(rule.owner)) mistakes.push('owner must be a non-empty text');
  if (rule.until !== undefined && !isDay(rule.until)) mistakes.push('until must be a day such as "2027-03-31"');
  if (rule.usual !== undefined && !(typeof rule.usual === 'number' && rule.usual >= 0)) {
    mistakes.push('usual must be a number of 0 or more');
  }
  mistakes.push(...scopeMistakes(rule));
  if (isText(rule.path)) mistakes.push(...mistakesInPath(rule.path, rule.kind));
  if (!isText(rule.kind)) return mistakes;
  if (!Object.hasOwn(FIELDS, rule.kind)) {
    return [...mistakes, `kind "${rule.kind}" is unknown; known are ${RULE_KINDS.join(', ')}`];
  }
  return [...mistakes, ...mistakesInFields(rule, rule.kind as Rule['kind'])];
}

function mistakesInPath(path: string, kind: unknown): string[] {
  if (path === 'status') return ['path: a status is never excused'];
  if (!path.startsWith('$')) {
    if (kind === 'rename') return ['a header cannot be renamed'];
    if (/^headers\.[a-z][a-z0-9-]*$/.test(path)) return [];
    return [`path "${path}" must begin with $, or be headers.<lower-case name>`];
  }
  try {
    const last = parsePath(path).at(-1);
    return kind === 'rename' && !(last && 'name' in last) ? ['path of a rename must end in the old name'] : [];
  } catch (error) {
    return [`path "${path}" ${(error as Error).message}`];
  }
}

function mistakesInFields(rule: Readonly<Record<string, unknown>>, kind: Rule['kind']): string[] {
  const { required = {}, optional = {}, some } = FIELDS[kind];
  const own: Readonly<Record<string, Field>> = { ...required, ...optional };
  const mistakes = Object.keys(rule)
    .filter((name) => !COMMON.includes(name) && !Object.hasOwn(own, name))
    .map((name) => `${name} is not a field of a rule of kind ${kind}`);
  const names = Object.keys(own);
  if (some && names.every((name) => rule[name] === undefined))
    mistakes.push(`needs at least one of ${names.join(', ')}`);
  for (const name of names) {
    const missing = rule[name] === undefined;
    const mistake = missing && Object.hasOwn(optional, name) ? undefined : FIELD_MISTAKE[own[name]!](rule[name]);
    if (mistake) mistakes.push(`${name} ${mistake}`);
  }
  return mistakes;
}

const FIELD_MISTAKE: Readonly<Record<Field, (value: unknown) => string | undefined>> = {
  text: (value) => (isText(value) ? undefined : 'must be a non-empty text'),
  number: (value) => (typeof value === 'number' && Number.isFinite(value) ? undefined : 'must be a number'),
  zone: (value) =>
    typeof value === 'string' && /^(Z|[+-]\d\d:\d\d)$/.test(value) ? undefined : 'must be a zone such as "+02:00"',
};

function repeated(rules: readonly unknown[]): string[] {
  const seen = new Set<string>();
  const mistakes: string[] = [];
  rules.forEach((rule, index) => {
    if (!isRecord(rule)) return;
    const where = JSON.stringify([rule.kind, rule.path, rule.routes, rule.statuses]);
    for (const [what, key] of [
      ['id is', `id ${rule.id}`],
      ['kind, path and scope are', `at ${where}`],
    ] as const) {
      if (seen.has(key)) mistakes.push(`${label(rule, index)}: its ${what} already used by another rule`);
      seen.add(key);
    }
  });
  return mistakes;
}

const label = (rule: unknown, index: number) =>
  isRecord(rule) && isText(rule.id) ? `rules[${index}] "${rule.id}"` : `rules[${index}]`;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isDay = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && new Date(value).toJSON()?.startsWith(value) === true;
