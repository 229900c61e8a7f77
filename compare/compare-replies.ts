import { type Difference, sampleOf } from './difference.ts';
import { contractualHeaders } from './headers.ts';
import type { Json } from './json.ts';
import type { Body, Failure, Reply } from './reply.ts';
import { type RuleSet, ruleSet } from './rule-set.ts';
import type { Rule } from './rules.ts';
import { type Walked, walk } from './walk.ts';

/**
 * equal, equal-by-rule: the replies agree. mismatch: they do not. Only these three enter a rate; beside it stand
 * not-comparable (the old side or an unreadable body says nothing), candidate-error (the new side gave no reply of its
 * own) and truncated (no difference found before the budget ran out).
 */
export type ResultKind = 'equal' | 'equal-by-rule' | 'mismatch' | 'not-comparable' | 'candidate-error' | 'truncated';

export interface Result {
  readonly kind: ResultKind;
  /** At most 1,000; in the order of the old reply. */
  readonly differences: readonly Difference[];
  /** Rule id → how many differences it excused. */
  readonly hits: Readonly<Record<string, number>>;
  /** Why there is nothing to compare, for not-comparable, candidate-error and truncated. */
  readonly reason?: string;
}

/** Gateways answer these for a side that did not answer itself. */
const NO_ANSWER_OF_ITS_OWN = new Set([502, 503, 504]);

/** Compares a new reply with the old one. Pass the same RuleSet again and again to have ids kept between replies. */
export function compareReplies(
  old: Reply | Failure,
  newer: Reply | Failure,
  rules: RuleSet | readonly Rule[] = [],
): Result {
  const set = ruleSet(rules);
  if ('error' in old) return without('not-comparable', `the old side gave no reply: ${old.error}`);
  if ('error' in newer) return without('candidate-error', `the new side gave no reply: ${newer.error}`);
  if (old.status !== newer.status) {
    if (NO_ANSWER_OF_ITS_OWN.has(old.status)) return without('not-comparable', `the old side answered ${old.status}`);
    if (NO_ANSWER_OF_ITS_OWN.has(newer.status))
      return without('candidate-error', `the new side answered ${newer.status}`);
  }
  return compareParts(old, newer, set);
}

function compareParts(old: Reply, newer: Reply, set: RuleSet): Result {
  const headers = walk(contractualHeaders(old.headers), contractualHeaders(newer.headers), {
    root: 'headers',
    rules: set.headers,
    ids: set.ids,
  });
  const differences = [...statusDifference(old, newer), ...headers.differences.map(asHeader)];
  // Where one side succeeds and the other refuses, the bodies have nothing in common: the status says it all.
  if (Math.floor(old.status / 100) !== Math.floor(newer.status / 100)) return resultOf(differences, [headers], set);
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
  const body = walk(oldValue, newValue, { root: '$', rules: set.body, ids: headers.ids });
  return resultOf([...differences, ...body.differences], [headers, body], set);
}

function resultOf(differences: readonly Difference[], walked: readonly Walked[], set: RuleSet): Result {
  const hits: Record<string, number> = {};
  for (const [id, count] of walked.flatMap((part) => [...part.hits])) {
    hits[id] = (hits[id] ?? 0) + count;
    set.hits.set(id, (set.hits.get(id) ?? 0) + count);
  }
  if (differences.length > 0) return { kind: 'mismatch', differences, hits };
  if (walked.some((part) => !part.complete)) {
    return { kind: 'truncated', differences, hits, reason: 'the bodies are larger or deeper than a comparison may go' };
  }
  // Innermost first: each draft lies on the one before it, the first on the set's own map.
  for (const part of [...walked].reverse()) part.ids.keep();
  return { kind: Object.keys(hits).length > 0 ? 'equal-by-rule' : 'equal', differences, hits };
}

const without = (kind: ResultKind, reason: string): Result => ({ kind, differences: [], hits: {}, reason });
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
