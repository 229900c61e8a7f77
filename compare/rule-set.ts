import { IdMap } from './id-map.ts';
import { parsePath, type Segment } from './path.ts';
import { type Rule, validateRules } from './rules.ts';

/** The rules that apply at one place, and the way on to those inside it. */
export interface RuleNode {
  readonly rules: Rule[];
  readonly names: Map<string, RuleNode>;
  readonly indexes: Map<number, RuleNode>;
  any: RuleNode | undefined;
}

/**
 * Rules made ready, with what they have learned (ids) and how often each excused a difference (hits).
 * Use one set for a whole suite or process, so that ids learned from one reply are enforced in the next.
 */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly body: RuleNode;
  readonly headers: RuleNode;
  readonly ids: IdMap;
  readonly hits: Map<string, number>;
}

/** Makes rules ready for use; throws a RuleError naming every mistake. A set that is ready already stays what it is. */
export function ruleSet(rules: RuleSet | readonly Rule[]): RuleSet {
  if ('body' in rules) return rules;
  const set: RuleSet = {
    rules: validateRules(rules),
    body: emptyNode(),
    headers: emptyNode(),
    ids: new IdMap(),
    hits: new Map(rules.map((rule) => [rule.id, 0])),
  };
  for (const rule of rules) {
    const [root, segments] = rule.path.startsWith('$')
      ? [set.body, parsePath(rule.path)]
      : [set.headers, parsePath(rule.path, 'headers')];
    segments.reduce(branch, root).rules.push(rule);
  }
  return set;
}

/** The nodes that apply one step further in; an empty list costs nothing to carry on with. */
export function stepInto(nodes: readonly RuleNode[], key: string | number): readonly RuleNode[] {
  if (nodes.length === 0) return nodes;
  const next: RuleNode[] = [];
  for (const node of nodes) {
    const exact = typeof key === 'number' ? node.indexes.get(key) : node.names.get(key);
    if (exact) next.push(exact);
    if (node.any) next.push(node.any);
  }
  return next;
}

/** The rule of one kind that applies here, if any. */
export function ruleOf<K extends Rule['kind']>(nodes: readonly RuleNode[], kind: K) {
  for (const node of nodes) {
    for (const rule of node.rules) if (rule.kind === kind) return rule as Extract<Rule, { kind: K }>;
  }
  return undefined;
}

function branch(node: RuleNode, segment: Segment): RuleNode {
  if ('any' in segment) {
    node.any ??= emptyNode();
    return node.any;
  }
  return 'index' in segment ? grow(node.indexes, segment.index) : grow(node.names, segment.name);
}

function grow<K>(branches: Map<K, RuleNode>, key: K): RuleNode {
  const node = branches.get(key) ?? emptyNode();
  branches.set(key, node);
  return node;
}

const emptyNode = (): RuleNode => ({ rules: [], names: new Map(), indexes: new Map(), any: undefined });
