import type { IdMap } from './id-map.ts';
import { ExactNumber, type Json, typeOf } from './json.ts';
import { formatOf, numericOf } from './leaf.ts';
import { type RuleNode, ruleOf, stepInto } from './rule-set.ts';

/**
 * Numbers values so that two get the same number exactly if they are equal under the rules; used to find which
 * elements of two arrays belong together. Ids whose counterpart is not known yet all count as equal.
 */
export class Fingerprints {
  readonly #numbers = new Map<string, number>();
  readonly #known = { old: new Map<object, number>(), new: new Map<object, number>() };
  readonly #ids: IdMap;

  constructor(ids: IdMap) {
    this.#ids = ids;
  }

  /** The value's number; `nodes` are the rules at its place. Takes no more stack for deeper values. */
  of(value: Json, side: 'old' | 'new', nodes: readonly RuleNode[]): number {
    const root: Frame = { value, nodes, shape: false, keys: undefined, parts: [] };
    const stack: Frame[] = [root];
    let result = 0;
    while (stack.length > 0) {
      const frame = stack.at(-1)!;
      const child = this.#nextChild(frame, side);
      if (child) {
        stack.push(child);
        continue;
      }
      stack.pop();
      result = this.#finish(frame, side);
      stack.at(-1)?.parts.push(result);
    }
    return result;
  }

  #nextChild(frame: Frame, side: 'old' | 'new'): Frame | undefined {
    const { value } = frame;
    if (typeof value !== 'object' || value === null || this.#known[side].has(value)) return undefined;
    if (ruleOf(frame.nodes, 'ignore')) return undefined;
    const type = typeOf(value);
    if (type === 'number') return undefined;
    const shape = frame.shape || ruleOf(frame.nodes, 'shape-only') !== undefined;
    if (shape && type === 'array') return undefined;
    frame.keys ??= type === 'array' ? [...(value as Json[]).keys()] : memberNames(value as Members, frame.nodes);
    const key = frame.keys[frame.parts.length];
    if (key === undefined) return undefined;
    const inside = (value as Members)[key]!;
    return { value: inside, nodes: stepInto(frame.nodes, key), shape, keys: undefined, parts: [] };
  }

  #finish(frame: Frame, side: 'old' | 'new'): number {
    const { value, parts, keys, nodes } = frame;
    const known = this.#known[side].get(value as object);
    if (known !== undefined) return known;
    if (!keys) return this.#number(this.#leaf(frame, side));
    const text = Array.isArray(value)
      ? `[${ruleOf(nodes, 'unordered') ? parts.sort((a, b) => a - b) : parts}`
      : `{${keys.map((name, index) => `${JSON.stringify(name)}:${parts[index]}`)}`;
    const number = this.#number(text);
    this.#known[side].set(value as object, number);
    return number;
  }

  #leaf({ value, nodes, shape }: Frame, side: 'old' | 'new'): string {
    if (ruleOf(nodes, 'ignore')) return 'ignored';
    const read = ruleOf(nodes, 'numeric-string-is-number') ? (numericOf(value) as Json) : value;
    const type = typeOf(read);
    if (shape || ruleOf(nodes, 'shape-only')) return `${type} ${typeof read === 'string' ? formatOf(read) : ''}`;
    if (ruleOf(nodes, 'tolerance')) return type;
    const text = read instanceof ExactNumber ? `exact ${read.canonical}` : `${read}`;
    const rule = ruleOf(nodes, 'id-map');
    if (!rule) return `${type} ${text}`;
    if (side === 'old') return `id ${this.#ids.newFor(rule.map, idText(read)) ?? '?'}`;
    return `id ${this.#ids.oldFor(rule.map, idText(read)) === undefined ? '?' : idText(read)}`;
  }

  #number(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}

/** An id as the id map keeps it: 5 and "5" are the same id. */
export const idText = (value: Json): string => (value instanceof ExactNumber ? value.text : String(value));

type Members = Record<string | number, Json>;

interface Frame {
  readonly value: Json;
  readonly nodes: readonly RuleNode[];
  readonly shape: boolean;
  keys: (string | number)[] | undefined;
  readonly parts: number[];
}

/** Sorted, without those that a null-is-absent or ignore rule lets be absent. */
function memberNames(value: Members, nodes: readonly RuleNode[]): string[] {
  const names = Object.keys(value).sort();
  if (nodes.length === 0) return names;
  return names.filter((name) => {
    const inside = stepInto(nodes, name);
    return !ruleOf(inside, 'ignore') && !(value[name] === null && ruleOf(inside, 'null-is-absent'));
  });
}
