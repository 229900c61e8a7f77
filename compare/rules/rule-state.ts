import { parsePath, type Segment } from './path.ts';
import type { Rule, RuleOf } from './rules.ts';

export type RulesByKind = { readonly [K in Rule['kind']]?: RuleOf<K> };

/**
 * The rules that count at one place, and the way to those inside it. All rule paths together are one automaton, whose
 * states are made when a walk first comes to them; a step costs one look-up however many rules there are.
 */
export interface RuleState {
  /** Of several rules of one kind the first. */
  readonly rules: RulesByKind;
  /** True where no rule counts, nor anywhere inside. */
  readonly none: boolean;
  /** True where equal values must be looked at too, because ids are learned from them here or inside. */
  readonly learns: boolean;
  /** The rules that rename members of this place. */
  readonly renames: readonly RuleOf<'rename'>[];
  into(key: string | number): RuleState;
}

interface Node {
  readonly rules: Rule[];
  readonly names: Map<string, Node>;
  readonly indexes: Map<number, Node>;
  any: Node | undefined;
  /** What `..` leads to: counts here and everywhere inside. */
  deep: Node | undefined;
  readonly stays: boolean;
}

/** The state at the root of what the paths begin with. */
export function rootState(rules: readonly Rule[], root: '$' | 'headers'): RuleState {
  const trie = emptyNode();
  for (const rule of rules) {
    const isHeader = !rule.path.startsWith('$');
    if (isHeader === (root === 'headers')) parsePath(rule.path, root).reduce(branch, trie).rules.push(rule);
  }
  const states = new Map<string, State>();
  const numbers = new Map<Node, number>();
  const stateOf = (nodes: readonly Node[]): State => {
    const unique = [...new Set(nodes.flatMap((node) => (node.deep ? [node, node.deep] : [node])))];
    for (const node of unique) if (!numbers.has(node)) numbers.set(node, numbers.size);
    const key = unique.map((node) => numbers.get(node)).join();
    const state = states.get(key) ?? new State(unique, stateOf);
    states.set(key, state);
    return state;
  };
  return stateOf([trie]);
}

class State implements RuleState {
  readonly rules: RulesByKind;
  readonly none: boolean;
  readonly learns: boolean;
  readonly renames: readonly RuleOf<'rename'>[];
  readonly #nodes: readonly Node[];
  readonly #stateOf: (nodes: readonly Node[]) => State;
  /** Only keys that rules name; all others share two states, so that no document can make this grow. */
  readonly #named: ReadonlySet<string | number>;
  readonly #into = new Map<string | number, State>();
  #otherName: State | undefined;
  #otherIndex: State | undefined;

  constructor(nodes: readonly Node[], stateOf: (nodes: readonly Node[]) => State) {
    this.#nodes = nodes;
    this.#stateOf = stateOf;
    const byKind: { [kind: string]: Rule } = {};
    for (const rule of nodes.flatMap((node) => node.rules)) byKind[rule.kind] ??= rule;
    this.rules = byKind as RulesByKind;
    this.none = nodes.length === 0;
    this.learns = nodes.some(learnsInside);
    this.renames = nodes.flatMap((node) => [...node.names.values()].flatMap((member) => member.rules.filter(isRename)));
    this.#named = new Set(nodes.flatMap((node) => [...node.names.keys(), ...node.indexes.keys()]));
  }

  into(key: string | number): RuleState {
    if (this.none) return this;
    if (!this.#named.has(key)) {
      if (typeof key === 'number') {
        this.#otherIndex ??= this.#step(key);
        return this.#otherIndex;
      }
      this.#otherName ??= this.#step(key);
      return this.#otherName;
    }
    const known = this.#into.get(key) ?? this.#step(key);
    this.#into.set(key, known);
    return known;
  }

  #step(key: string | number): State {
    const next: Node[] = [];
    for (const node of this.#nodes) {
      const exact = typeof key === 'number' ? node.indexes.get(key) : node.names.get(key);
      if (exact) next.push(exact);
      if (node.any) next.push(node.any);
      if (node.stays) next.push(node);
    }
    return this.#stateOf(next);
  }
}

const isRename = (rule: Rule): rule is RuleOf<'rename'> => rule.kind === 'rename';

/** The old name of the member a rename rule is about. */
export function renamedFrom(rule: RuleOf<'rename'>): string {
  return (parsePath(rule.path).at(-1) as { name: string }).name;
}

function learnsInside(node: Node): boolean {
  if (node.rules.some((rule) => rule.kind === 'id-map')) return true;
  const inside = [...node.names.values(), ...node.indexes.values(), node.any, node.deep];
  return inside.some((next) => next !== undefined && learnsInside(next));
}

function branch(node: Node, segment: Segment): Node {
  if ('any' in segment) {
    node.any ??= emptyNode();
    return node.any;
  }
  if ('deep' in segment) {
    node.deep ??= emptyNode(true);
    return node.deep;
  }
  return 'index' in segment ? grow(node.indexes, segment.index) : grow(node.names, segment.name);
}

function grow<K>(branches: Map<K, Node>, key: K): Node {
  const node = branches.get(key) ?? emptyNode();
  branches.set(key, node);
  return node;
}

const emptyNode = (stays = false): Node => ({
  rules: [],
  names: new Map(),
  indexes: new Map(),
  any: undefined,
  deep: undefined,
  stays,
});
