import { contractualHeaders } from '../reply/headers.ts';
import type { Json } from '../reply/json.ts';
import { type Body, type Failure, type Reply, sameWire } from '../reply/reply.ts';
import { type RuleSet, type RulesInScope, ruleSet } from '../rules/rule-set.ts';
import type { Rule } from '../rules/rules.ts';
import type { Asked } from '../rules/scope.ts';
import { BUDGET, type Budget } from './budget.ts';
import { type Difference, type Excused, sampleOf } from './difference.ts';
import { type Walked, walk } from './walk.ts';

/**
 * equal, equal-by-rule: the replies agree. mismatch: they do not. Only these three enter a rate; beside it stand
 * not-comparable (the old side or an unreadable body says nothing), candidate-error and candidate-timeout (the candidate
 * gave no reply of its own), dropped (nobody had time to compare) and truncated (no difference found before the budget
 * ran out).
 */
export const RESULT_KINDS = [
  'equal',
  'equal-by-rule',
  'mismatch',
  'not-comparable',
  'candidate-error',
  'candidate-timeout',
  'dropped',
  'truncated',
] as const;
export type ResultKind = (typeof RESULT_KINDS)[number];

/** Plain data: survives JSON and structured cloning. */
export interface Result {
  readonly kind: ResultKind;
  /** At most 1,000; in the order of the old reply. */
  readonly differences: readonly Difference[];
  /** Rule id → how many differences it excused. */
  readonly hits: Readonly<Record<string, number>>;
  /** What it excused, like differences together. */
  readonly excused: readonly Excused[];
  /** Why there is nothing to compare, for those that enter no rate. */
  readonly reason?: string;
}

export interface CompareOptions {
  /** What was asked: rules with a scope need it. */
  readonly asked?: Asked;
  /** Default: 50 ms, 200,000 places, 100,000 levels. */
  readonly budget?: Budget;
  /** Headers to compare beside those clients rely on everywhere. */
  readonly headers?: readonly string[];
  /** In milliseconds. */
  readonly clock?: () => number;
}

/** Gateways answer these for a side that did not answer itself. */
const NO_ANSWER_OF_ITS_OWN = new Set([502, 503, 504]);

/** True if the two replies say the same, by themselves or under the rules. */
export const isAgreed = (kind: ResultKind): boolean => kind === 'equal' || kind === 'equal-by-rule';

/** Kinds that enter no rate. */
export const UNRATED: readonly ResultKind[] = RESULT_KINDS.filter((kind) => !isAgreed(kind) && kind !== 'mismatch');

/** Compares a new reply with the old one. Pass the same RuleSet again and again to have ids kept between replies. */
export function compareReplies(
  old: Reply | Failure,
  newer: Reply | Failure,
  rules: RuleSet | readonly Rule[] = [],
  options: CompareOptions = {},
): Result {
  const set = ruleSet(rules);
  if ('error' in old) return without('not-comparable', `the old side gave no reply: ${old.error}`);
  if ('error' in newer) {
    const kind = newer.timeout ? 'candidate-timeout' : 'candidate-error';
    return without(kind, `the candidate gave no reply: ${newer.error}`);
  }
  if (old.status !== newer.status) {
    if (NO_ANSWER_OF_ITS_OWN.has(old.status)) return without('not-comparable', `the old side answered ${old.status}`);
    if (NO_ANSWER_OF_ITS_OWN.has(newer.status))
      return without('candidate-error', `the candidate answered ${newer.status}`);
  }
  return compareParts(old, newer, set, set.counting(options.asked ?? {}, old.status), options);
}

function compareParts(old: Reply, newer: Reply, set: RuleSet, rules: RulesInScope, options: CompareOptions): Result {
  const scope = { budget: options.budget ?? BUDGET, ...(options.clock && { clock: options.clock }) };
  const [oldHeaders, newHeaders] = [old, newer].map(({ headers }) => contractualHeaders(headers, options.headers));
  const headers = walk(oldHeaders!, newHeaders!, { ...scope, root: 'headers', state: rules.headers, ids: set.ids });
  const differences = [...statusDifference(old, newer), ...headers.differences.map(asHeader)];
  // Where one side succeeds and the other refuses, the bodies have nothing in common: the status says it all.
  if (Math.floor(old.status / 100) !== Math.floor(newer.status / 100)) return resultOf(differences, [headers], set);
  if (!rules.body.learns && sameWire(old, newer)) return resultOf(differences, [headers], set);
  for (const { body } of [old, newer]) {
    if (body.kind !== 'unreadable') continue;
    if (differences.length > 0) return resultOf(differences, [headers], set);
    return without('not-comparable', `a body was not read: ${body.why}`);
  }
  if (old.body.kind !== newer.body.kind) {
    return resultOf([...differences, otherBody(old.body, newer.body)], [headers], set);
  }
  const [oldValue, newValue] = [walkable(old.body), walkable(newer.body)];
  if (oldValue === undefined || newValue === undefined) return resultOf(differences, [headers], set);
  const body = walk(oldValue, newValue, { ...scope, root: '$', state: rules.body, ids: headers.ids });
  return resultOf([...differences, ...body.differences], [headers, body], set);
}

function resultOf(differences: readonly Difference[], walked: readonly Walked[], set: RuleSet): Result {
  const excused = walked.flatMap((part) => part.excused);
  const hits: Record<string, number> = {};
  for (const { rule, kind, path, count } of excused) {
    hits[rule] = (hits[rule] ?? 0) + count;
    set.excused(rule, `${kind} ${path}`, count);
  }
  if (differences.length > 0) return { kind: 'mismatch', differences, hits, excused };
  if (walked.some((part) => !part.complete)) {
    const reason = 'the bodies are larger or deeper than a comparison may go';
    return { kind: 'truncated', differences, hits, excused, reason };
  }
  // Innermost first: each draft lies on the one before it, the first on the set's own map.
  for (const part of [...walked].reverse()) part.ids.keep();
  return { kind: excused.length > 0 ? 'equal-by-rule' : 'equal', differences, hits, excused };
}

/** A result without a comparison, for whoever could not or would not compare. */
export const without = (kind: Exclude<ResultKind, 'equal' | 'equal-by-rule' | 'mismatch'>, reason: string): Result => ({
  kind,
  differences: [],
  hits: {},
  excused: [],
  reason,
});

const asHeader = (difference: Difference): Difference => ({
  ...difference,
  kind: 'header',
  severity: difference.path === 'headers.content-type' ? 'high' : 'medium',
});

function statusDifference(old: Reply, newer: Reply): Difference[] {
  if (old.status === newer.status) return [];
  const sample = (reply: Reply) => [reply.status, sampleOf(walkable(reply.body))].join(' ').trim();
  return [{ kind: 'status', severity: 'high', path: 'status', at: 'status', old: sample(old), new: sample(newer) }];
}

function otherBody(old: Body, newer: Body): Difference {
  const kind = old.kind === 'empty' ? 'extra' : newer.kind === 'empty' ? 'missing' : 'type';
  const sample = (body: Body) => (body.kind === 'empty' ? undefined : `${body.kind}: ${sampleOf(walkable(body))}`);
  return { kind, severity: 'high', path: '$', at: '$', old: sample(old), new: sample(newer) };
}

/** A body as a value that can be walked. */
function walkable(body: Body): Json | undefined {
  switch (body.kind) {
    case 'json':
      return body.value;
    case 'text':
      return body.text;
    case 'form':
      return body.fields;
    case 'binary':
      return `${body.bytes} bytes, sha256 ${body.sha256}`;
    case 'empty':
    case 'unreadable':
      return undefined;
  }
}
