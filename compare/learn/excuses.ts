import type { Difference } from '../engine/difference.ts';
import { agreementOf } from '../engine/leaf.ts';
import { isContainer, type Json, parseJson, typeOf } from '../reply/json.ts';
import { parsePath } from '../rules/path.ts';
import { type RuleState, renamedFrom, rootState } from '../rules/rule-state.ts';
import type { Rule, RuleOf } from '../rules/rules.ts';

/** A difference as it is kept: without its severity. */
export type KeptDifference = Pick<Difference, 'kind' | 'path' | 'old' | 'new'>;

/** True if the rule would have excused this difference, as far as its samples show. */
export const excuses = (rule: Rule, difference: KeptDifference): boolean => excuserOf(rule)(difference);

/**
 * Tells of differences whether the rule would have excused them. A rule that names single elements is taken to excuse
 * nothing, because a kept difference no longer says which element it was.
 */
export function excuserOf(rule: Rule): (difference: KeptDifference) => boolean {
  const root = rule.path.startsWith('$') ? '$' : 'headers';
  const start = rootState([rule], root);
  return (difference) => {
    const { kind, path } = difference;
    if (kind === 'status' || path.includes('…') || path.startsWith('$') !== (root === '$')) return false;
    return excusedOn(statesOn(start, root, path), difference);
  };
}

function excusedOn(way: readonly RuleState[], { kind, path, old, new: newer }: KeptDifference): boolean {
  if (way.every(({ rules, renames }) => Object.keys(rules).length === 0 && renames.length === 0)) return false;
  const here = way.at(-1)!.rules;
  if (way.some(({ rules }) => rules.ignore)) return true;
  const [a, b] = [sampledValue(old), sampledValue(newer)];
  const shape = way.map(({ rules }) => rules['shape-only']).find((found) => found !== undefined);
  if (kind === 'order') return here.unordered !== undefined || shape !== undefined;
  if (kind === 'missing' || kind === 'extra') {
    if (here['null-is-absent'] && (a === null || b === null)) return true;
    return isRenamed(way.at(-2), path, kind) || (shape !== undefined && path.endsWith('[*]') && !here['shape-only']);
  }
  if (a === undefined || b === undefined || (isContainer(a) && isContainer(b))) return false;
  if (here['id-map']) return typeOf(a) === typeOf(b);
  return 'rule' in agreementOf(a, b, here, shape);
}

/** The states from the root to a template path. */
function statesOn(start: RuleState, root: string, path: string): RuleState[] {
  const way = [start];
  for (const segment of parsePath(path, root)) {
    way.push(way.at(-1)!.into('name' in segment ? segment.name : ANY_ELEMENT));
  }
  return way;
}

const ANY_ELEMENT = Number.MAX_SAFE_INTEGER;

function isRenamed(parent: RuleState | undefined, path: string, kind: 'missing' | 'extra'): boolean {
  const last = parsePath(path).at(-1);
  const name = last && 'name' in last ? last.name : undefined;
  const nameOf = (rule: RuleOf<'rename'>) => (kind === 'missing' ? renamedFrom(rule) : rule.to);
  return parent?.renames.some((rule) => nameOf(rule) === name) ?? false;
}

/** The value a sample shows; undefined if it is absent or was cut. */
export function sampledValue(sample: string | undefined): Json | undefined {
  try {
    return sample === undefined ? undefined : parseJson(sample);
  } catch {
    return undefined;
  }
}
