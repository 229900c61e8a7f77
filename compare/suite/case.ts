import { ExactNumber, isContainer, type Json, stringifyJson } from '../reply/json.ts';
import type { Reply } from '../reply/reply.ts';
import { parsePath } from '../rules/path.ts';

/**
 * One request of a suite, sent to both sides. `{name}` in path, headers or body stands for what an earlier case
 * captured from the same side's reply; a body text that is nothing but `{name}` becomes the captured value itself.
 */
export interface Case {
  readonly name: string;
  readonly method: string;
  /** Begins with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Variable name → where in the JSON reply it stands: `{ orderId: '$.id' }`. */
  readonly capture?: Readonly<Record<string, string>>;
}

/** What one side's replies have yielded so far. */
export type Variables = Map<string, Json>;

const VARIABLE = /\{([A-Za-z_]\w*)\}/g;
const WHOLE_VARIABLE = /^\{([A-Za-z_]\w*)\}$/;

/** Throws an error that names every mistake in the cases: doubled names, wrong paths, variables nobody captured. */
export function validateCases(cases: readonly Case[]): void {
  const captured = new Set<string>();
  const names = new Set<string>();
  const mistakes: string[] = [];
  for (const { name, method, path, headers, body, capture } of cases) {
    const wrong = (what: string) => mistakes.push(`"${name}": ${what}`);
    if (names.has(name)) wrong('another case has this name');
    names.add(name);
    if (!/^[A-Z]+$/.test(method)) wrong(`method "${method}" must be upper-case letters`);
    if (!path.startsWith('/')) wrong(`path "${path}" must begin with /`);
    for (const variable of variablesIn([path, headers, body])) {
      if (!captured.has(variable)) wrong(`{${variable}} is captured by no earlier case`);
    }
    for (const [variable, from] of Object.entries(capture ?? {})) {
      captured.add(variable);
      const problem = capturePathProblem(from);
      if (problem) wrong(`capture ${variable}: ${problem}`);
    }
  }
  if (mistakes.length > 0) throw new Error(`The suite has ${mistakes.length} mistake(s):\n  ${mistakes.join('\n  ')}`);
}

export interface FilledCase {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** The case with one side's variables filled in, or the names of those this side has not yielded. */
export function fillCase(wanted: Case, variables: Variables): FilledCase | { missing: readonly string[] } {
  const missing = variablesIn([wanted.path, wanted.headers, wanted.body]).filter((name) => !variables.has(name));
  if (missing.length > 0) return { missing };
  const text = (name: string) => asText(variables.get(name)!);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted.headers ?? {})) headers[name.toLowerCase()] = fillText(value, text);
  if (wanted.body !== undefined && typeof wanted.body !== 'string') headers['content-type'] ??= 'application/json';
  return {
    path: fillText(wanted.path, (name) => encodeURIComponent(text(name))),
    headers,
    body: fillBody(wanted.body, variables),
  };
}

/** Remembers what the case captures from this side's reply; forgets what the reply no longer has. */
export function captureFrom(reply: Reply, wanted: Case, variables: Variables): void {
  for (const [variable, path] of Object.entries(wanted.capture ?? {})) {
    const value = reply.body.kind === 'json' ? valueAt(reply.body.value, path) : undefined;
    if (value === undefined) variables.delete(variable);
    else variables.set(variable, value);
  }
}

function valueAt(root: Json, path: string): Json | undefined {
  let value: Json | undefined = root;
  for (const segment of parsePath(path)) {
    if (!('index' in segment || 'name' in segment)) return undefined;
    const key = 'index' in segment ? segment.index : segment.name;
    const holds: boolean = isContainer(value) && Object.hasOwn(value, key);
    value = holds ? (value as Record<string | number, Json>)[key] : undefined;
  }
  return value;
}

function capturePathProblem(path: string): string | undefined {
  try {
    const one = parsePath(path).every((segment) => 'index' in segment || 'name' in segment);
    return one ? undefined : `"${path}" must name one place`;
  } catch (error) {
    return `"${path}" ${(error as Error).message}`;
  }
}

function fillBody(body: unknown, variables: Variables): string | undefined {
  if (body === undefined) return undefined;
  if (typeof body === 'string') return fillText(body, (name) => asText(variables.get(name)!));
  return stringifyJson(filled(body, variables));
}

/** A copy of the body in which every text has its variables filled in. */
function filled(value: unknown, variables: Variables): unknown {
  if (Array.isArray(value)) return value.map((element) => filled(element, variables));
  if (typeof value === 'object' && value !== null && !('toJSON' in value)) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member, variables)]));
  }
  if (typeof value !== 'string') return value;
  const name = WHOLE_VARIABLE.exec(value)?.[1];
  return name === undefined ? fillText(value, (inside) => asText(variables.get(inside)!)) : variables.get(name)!;
}

const fillText = (template: string, value: (name: string) => string) =>
  template.replace(VARIABLE, (_match, name: string) => value(name));

function variablesIn(template: unknown): string[] {
  if (typeof template === 'string') return [...template.matchAll(VARIABLE)].map((match) => match[1]!);
  if (typeof template !== 'object' || template === null) return [];
  return Object.values(template).flatMap(variablesIn);
}

function asText(value: Json): string {
  if (value instanceof ExactNumber) return value.text;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
