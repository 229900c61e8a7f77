/** A message may hold a value of a row; one of a duplicate key is whole within this many characters. */
const LONGEST_MESSAGE = 500;
/** Causes below an error that are told. */
const DEEPEST = 5;

type Known = { code?: unknown; errno?: unknown; sqlState?: unknown; errors?: unknown };

/**
 * An error as a log may hold it: type, message, codes, stack and causes. Whatever else drivers put on it (statement,
 * parameters, detail, place) holds rows of customers. For pino: `serializers: { err: errorForLog }`.
 */
export function errorForLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? cut(error) : `no error: ${typeof error}`;
  const { code, errno, sqlState, errors } = error as Known;
  const told = {
    type: error.constructor.name,
    message: cut(error.message),
    ...defined({ code, errno, sqlState }),
    stack: (error.stack ?? '').match(/^ {4}at .*$/gm)?.join('\n'), // which begins with the message, in full
  };
  if (depth === DEEPEST) return told;
  const below = (one: unknown) => errorForLog(one, depth + 1);
  return {
    ...told,
    ...(error.cause !== undefined && { cause: below(error.cause) }),
    ...(Array.isArray(errors) && { errors: errors.slice(0, DEEPEST).map(below) }),
  };
}

const cut = (text: string): string => (text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text);

const defined = (all: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
