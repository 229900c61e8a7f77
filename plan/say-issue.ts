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
    default:
      return undefined;
  }
}

const knownKeys = (schema: unknown): string[] =>
  Object.keys((schema as { def?: { shape?: object } } | undefined)?.def?.shape ?? {});

const isAmount = (origin: string): boolean => origin === 'number' || origin === 'int';

const unitOf = (origin: string): string => {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
};
