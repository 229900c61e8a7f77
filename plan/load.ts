import { readFileSync } from 'node:fs';
import {
  type Alias,
  type Document,
  isAlias,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';
import { mistakesOfUnion, sayIssue } from './say-issue.ts';
import { type Plan, planSchema } from './schema.ts';
import { asOneUser } from './split.ts';

/** One mistake in a Plan: where, and what. */
export type Mistake = { readonly path: string; readonly message: string };

/** The Plan cannot be used; `mistakes` names every reason at once. A process that gets it exits with code 2. */
export class PlanError extends Error {
  readonly mistakes: readonly Mistake[];
  constructor(file: string, mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ path, message }) => `  ${path}: ${message}`);
    super(`${file} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${lines.join('\n')}`);
    this.name = 'PlanError';
    this.mistakes = mistakes;
  }
}

const freeze = <T>(value: T): T => {
  if (value && typeof value === 'object') for (const inner of Object.values(Object.freeze(value))) freeze(inner);
  return value;
};

const sayPath = (path: readonly PropertyKey[]): string =>
  path.length
    ? path.map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at ? '.' : ''}${String(step)}`)).join('')
    : '(whole file)';

/** Replaces `${NAME}` in every string from the environment, noting each name that is not set. */
function fillIn(value: unknown, env: NodeJS.ProcessEnv, path: PropertyKey[], mistakes: Mistake[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([^}]*)\}/g, (_, variable: string) => {
      const isName = /^[A-Z][A-Z0-9_]*$/.test(variable);
      const given = isName ? env[variable] : undefined;
      const wrong = isName
        ? `environment variable ${variable} is not set`
        : `has a \${…} that names no variable: A–Z, 0–9 and _`;
      if (given === undefined) mistakes.push({ path: sayPath(path), message: wrong });
      return given ?? '';
    });
  }
  if (Array.isArray(value)) return value.map((inner, at) => fillIn(inner, env, [...path, at], mistakes));
  if (value && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, fillIn(inner, env, [...path, key], mistakes)]),
    );
  }
  return value;
}

/** Validates the text of a Plan and freezes it. Throws PlanError with every mistake. */
export function parsePlan(text: string, env: NodeJS.ProcessEnv, file = 'strangler.yaml'): Plan {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: true, lineCounter: lines });
  const faults = [...document.errors, ...document.warnings].map((error) => sayFault(error, text));
  const odd = oddities(document, lines);
  if (faults.length || odd.length) {
    throw new PlanError(file, [...faults.map((message) => ({ path: '(YAML)', message })), ...odd]);
  }
  const unset: Mistake[] = [];
  const filled = fillIn(contentOf(document, file), env, [], unset);
  const { content, needless } = asOneUser(filled);
  const checked = planSchema.safeParse(content, { error: sayIssue, reportInput: true });
  const blamed = new Set(unset.map(({ path }) => path));
  const mistakes = [
    ...needless,
    ...(checked.error?.issues ?? []).flatMap((issue) =>
      issue.code === 'invalid_union' && issue.errors.length ? mistakesOfUnion(issue) : [issue],
    ),
  ]
    .map((issue) => ({ path: sayPath(issue.path), message: issue.message }))
    .filter(({ path }) => !blamed.has(path));
  if (unset.length || mistakes.length) throw new PlanError(file, [...unset, ...mistakes]);
  return freeze(checked.data!);
}

/** What the document stands for. The library counts how much its aliases would make of it, and gives up. */
function contentOf(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'its aliases (*NAME) would make it too large: write out what some of them stand for';
    throw new PlanError(file, [{ path: '(YAML)', message }]);
  }
}

/** Faults of which the library's message may quote a value, and with it a secret, are told in words of our own. */
const WITHOUT_VALUE: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'YAML takes a value that begins with * for an alias: quote it',
  BAD_DIRECTIVE: 'YAML takes a line that begins with % for a directive: quote it',
  BAD_DQ_ESCAPE: 'a \\ escapes nothing within double quotes: write \\\\, or take single quotes',
  TAG_RESOLVE_FAILED: 'YAML takes a value that begins with ! for one of a type of its own: quote it',
  UNEXPECTED_TOKEN: 'there is something where YAML expects nothing: quote the value, or look at the lines around it',
};

function sayFault({ code, message, pos: [from], linePos }: YAMLError, text: string): string {
  const line = linePos?.[0].line;
  if (code !== 'DUPLICATE_KEY') return `${WITHOUT_VALUE[code] ?? message.replace(/ at line .*/s, '')} (line ${line})`;
  const key = /^["']?([^\s:"']*)/.exec(text.slice(from))?.[1];
  return `${key} occurs twice in one place, again at line ${line}: remove one of them`;
}

const isPlain = ({ value, source = '' }: Scalar): boolean =>
  typeof value !== 'number' || (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(source) && Math.abs(value) <= Number.MAX_SAFE_INTEGER);

/**
 * Scalars that YAML takes for something else than what stands there: 010 is ten, 0x10 sixteen, and 1 as a key is text.
 * And what no Plan can hold: an alias within what it stands for, and a key that would be dropped without a word.
 * Told by their place alone: it may be a token that stands there.
 */
function oddities(document: Document.Parsed, lines: LineCounter): Mistake[] {
  const found: Mistake[] = [];
  const add = (path: readonly unknown[], node: Scalar | Alias, message: string) =>
    found.push({ path: placeOf(path, node), message: `${message} (line ${lines.linePos(node.range![0]).line})` });
  visit(document, {
    Scalar: (key, node, path) => {
      if (key === 'key' || isPlain(node)) return;
      add(
        path,
        node,
        'is a number to YAML, but not in plain digits, or beyond 2^53: write it so, or quote it as a text',
      );
    },
    Pair: (_, { key: written }, path) => {
      const key = isAlias(written) ? written.resolve(document) : written;
      if (!isScalar(key)) return;
      if (typeof key.value !== 'string') add(path, key, 'has a key that is no text: put it into quotes');
      if (key.value === '__proto__') add(path, key, 'has a key __proto__, which nothing can be called: rename it');
    },
    Alias: (_, node, path) => {
      const target = node.resolve(document);
      if (!target) found.push({ path: '(YAML)', message: WITHOUT_VALUE.BAD_ALIAS! });
      else if (path.includes(target))
        add(path, node, 'is an alias (*) of what it is part of, so it would never end: write it out');
    },
  });
  return found;
}

/** The path to a node of a document, by what it stands in. */
const placeOf = (path: readonly unknown[], node: unknown): string =>
  sayPath(
    [...path, node].flatMap((one, at, all): PropertyKey[] => {
      if (isSeq(one)) return [one.items.indexOf(all[at + 1])];
      return isPair(one) && isScalar(one.key) ? [String(one.key.value)] : [];
    }),
  );

/** Reads, validates and freezes the Plan of a file. Throws PlanError, also when the file cannot be read. */
export function loadPlan(file: string, env: NodeJS.ProcessEnv = process.env): Plan {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot be read (${(error as NodeJS.ErrnoException).code}); name another with --plan FILE`;
    throw new PlanError(file, [{ path: '(whole file)', message }]);
  }
  return parsePlan(text, env, file);
}
