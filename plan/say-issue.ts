import type { z } from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  ...{ string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
  ...{ array: 'a list', object: 'a block of fields', record: 'a block of fields', tuple: 'a list' },
};

/** What is wrong with a field, in the words of docs/plan.md; undefined leaves it to the library. Never quotes a value. */
export function sayIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is needed' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'unrecognized_keys': {
      const known = knownKeys(issue.inst);
      return `has no field ${issue.keys.join(', ')}${known.length ? `; it may have ${known.join(', ')}` : ''}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      if (issue.minimum === 1 && !isAmount(issue.origin)) return 'must not be empty';
      return `must ${isAmount(issue.origin) ? 'be' : 'have'} ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${isAmount(issue.origin) ? 'be' : 'have'} ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return issue.issues.map(({ message }) => message).join('; ');
    case 'invalid_union':
      return isBlock(issue.input)
        ? sayAlternatives(Object.keys(issue.input), optionsOf(issue.inst).map(knownKeys))
        : undefined;
    default:
      return undefined;
  }
}

/** What a checked Plan says of one mistake, or of each alternative of a union. */
type Issue = {
  readonly code?: string | undefined;
  readonly path: PropertyKey[];
  readonly message: string;
  readonly input?: unknown;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
};

/**
 * Of the alternatives of a union, the mistakes of the one that was meant: for a block the only one that takes blocks, or
 * that knows most of its fields; else the one that came closest. The union’s own, with the fields of all, if none stands out.
 */
export function mistakesOfUnion(issue: Issue): readonly Issue[] {
  const { input, errors = [] } = issue;
  const inner = (one: Issue) => (isBlock(one.input) && one.errors?.length ? mistakesOfUnion(one) : [one]);
  const within = (meant: readonly Issue[]) =>
    meant.flatMap(inner).map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
  if (!isBlock(input)) return within(deepest(errors));
  const blocks = errors.filter((alternative) => !alternative.some(isOtherType));
  const fewest = Math.min(...blocks.map(unknownFields));
  const known = blocks.filter((one) => unknownFields(one) === fewest && fewest < Object.keys(input).length);
  const meant = blocks.length > 1 ? known : blocks;
  return meant.length === 1 ? within(meant[0]!) : [issue];
}

const isOtherType = ({ code, path }: Issue): boolean => code === 'invalid_type' && !path.length;

const unknownFields = (alternative: readonly Issue[]): number =>
  alternative.reduce((sum, { path, keys = [] }) => sum + (path.length ? 0 : keys.length), 0);

/** The alternative that got deepest. */
function deepest(alternatives: readonly (readonly Issue[])[]): readonly Issue[] {
  const depth = (issues: readonly Issue[]) =>
    Math.max(...issues.map(({ path, code }) => path.length + (code === 'custom' ? 1 : 0)));
  return [...alternatives].sort((a, b) => depth(b) - depth(a))[0] ?? [];
}

/** The first field of each alternative tells it apart from the others. */
function sayAlternatives(given: readonly string[], alternatives: readonly (readonly string[])[]): string {
  const known = alternatives.flat();
  const unknown = given.filter((key) => !known.includes(key));
  const must = `must have exactly one of ${alternatives.flatMap((one) => one.slice(0, 1)).join(', ')}`;
  return unknown.length ? `has no field ${unknown.join(', ')}; it ${must}` : must;
}

const isBlock = (input: unknown): input is object =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

const knownKeys = (schema: unknown): string[] =>
  Object.keys((schema as { def?: { shape?: object } } | undefined)?.def?.shape ?? {});

const optionsOf = (union: unknown): readonly unknown[] =>
  (union as { def?: { options?: unknown[] } } | undefined)?.def?.options ?? [];

const isAmount = (origin: string): boolean => origin === 'number' || origin === 'int';

const unitOf = (origin: string): string => {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
};
