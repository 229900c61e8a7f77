import { parsePath } from './path.ts';

/**
 * Why two replies may differ at one exact path. Of a JSON, form or text body the path begins with `$`
 * (`$.orders[*].total`), of a header it is `headers.<name>`; a status is never excused.
 * A rule reaches what it names and what lies inside that, nothing else.
 */
export type Rule = {
  /** Unique; stands in results and is counted. */
  readonly id: string;
  /** Why the difference is right, for whoever reads the rule in a year. */
  readonly reason: string;
  readonly path: string;
} & RuleKind;

export type RuleKind =
  /** Anything goes, absence included. */
  | { readonly kind: 'ignore' }
  /** Types, names and formats (uuid, timestamp …) must agree, values and array lengths need not. */
  | { readonly kind: 'shape-only' }
  /** Numbers may differ by `absolute` or by the share `relative` of the greater, timestamps by `milliseconds`. */
  | {
      readonly kind: 'tolerance';
      readonly absolute?: number;
      readonly relative?: number;
      readonly milliseconds?: number;
    }
  /** The array's elements may stand in any order. */
  | { readonly kind: 'unordered' }
  /** The array's elements are paired by this member instead of by position; their order still counts. */
  | { readonly kind: 'keyed-by'; readonly key: string }
  /** Ids may differ but must correspond one to one, in everything compared with the same rule set and `map`. */
  | { readonly kind: 'id-map'; readonly map: string }
  /** `"19.90"` and `19.9` are the same number. */
  | { readonly kind: 'numeric-string-is-number' }
  /** A member that is null and one that is not there are the same. */
  | { readonly kind: 'null-is-absent' };

const FIELDS: Record<Rule['kind'], readonly string[]> = {
  ignore: [],
  'shape-only': [],
  tolerance: ['absolute', 'relative', 'milliseconds'],
  unordered: [],
  'keyed-by': ['key'],
  'id-map': ['map'],
  'numeric-string-is-number': [],
  'null-is-absent': [],
};

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
  if (isText(rule.path)) mistakes.push(...mistakesInPath(rule.path));
  if (!isText(rule.kind)) return mistakes;
  if (!Object.hasOwn(FIELDS, rule.kind)) {
    return [...mistakes, `kind "${rule.kind}" is unknown; known are ${Object.keys(FIELDS).join(', ')}`];
  }
  return [...mistakes, ...mistakesInFields(rule, rule.kind as Rule['kind'])];
}

function mistakesInPath(path: string): string[] {
  if (path === 'status') return ['path: a status is never excused'];
  try {
    if (path.startsWith('$')) parsePath(path);
    else if (!/^headers\.[a-z][a-z0-9-]*$/.test(path))
      return [`path "${path}" must begin with $, or be headers.<lower-case name>`];
    return [];
  } catch (error) {
    return [`path "${path}" ${(error as Error).message}`];
  }
}

function mistakesInFields(rule: Record<string, unknown>, kind: Rule['kind']): string[] {
  const own = FIELDS[kind];
  const mistakes = Object.keys(rule)
    .filter((name) => !['id', 'reason', 'path', 'kind', ...own].includes(name))
    .map((name) => `${name} is not a field of a rule of kind ${kind}`);
  if (kind === 'tolerance') {
    if (own.every((name) => rule[name] === undefined)) mistakes.push(`needs at least one of ${own.join(', ')}`);
    for (const name of own) {
      const limit = rule[name];
      if (limit !== undefined && !(typeof limit === 'number' && limit >= 0 && Number.isFinite(limit))) {
        mistakes.push(`${name} must be a number of 0 or more`);
      }
    }
  } else {
    mistakes.push(...own.filter((name) => !isText(rule[name])).map((name) => `${name} must be a non-empty text`));
  }
  return mistakes;
}

function repeated(rules: readonly unknown[]): string[] {
  const seen = new Set<string>();
  const mistakes: string[] = [];
  rules.forEach((rule, index) => {
    if (!isRecord(rule)) return;
    for (const [what, key] of [
      ['id is', `id ${rule.id}`],
      ['kind and path are', `at ${rule.kind} ${rule.path}`],
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
