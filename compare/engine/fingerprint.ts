import { ExactNumber, isContainer, type Json, type JsonObject, typeOf } from '../reply/json.ts';
import type { IdMap } from '../rules/id-map.ts';
import { type RuleState, renamedFrom } from '../rules/rule-state.ts';
import type { RuleOf } from '../rules/rules.ts';
import { reduced } from './leaf.ts';

export type ComparedSide = 'old' | 'new';

/** Members that name an element in most replies. */
export const ID_MEMBERS = ['id', '_id', 'uuid', 'guid', 'key', 'code', 'sku', 'slug', 'name'];

const TELLING_MEMBERS = 3;

/**
 * Members by which these two and elements like them are told apart: scalars that both have, but not those that a rule
 * lets be absent or be called otherwise.
 */
export function tellingMembers(old: JsonObject, newer: JsonObject, state: RuleState): string[] {
  const renamed = state.renames.flatMap((rule) => [renamedFrom(rule), rule.to]);
  const names = Object.keys(old).filter((name) => {
    const { rules } = state.into(name);
    const inBoth = Object.hasOwn(newer, name) && !isContainer(old[name]) && !isContainer(newer[name]);
    return inBoth && !rules.ignore && !rules['null-is-absent'] && !renamed.includes(name);
  });
  const ids = ID_MEMBERS.filter((name) => names.includes(name));
  return [...ids, ...names.filter((name) => !ids.includes(name)).sort()].slice(0, TELLING_MEMBERS);
}

/**
 * Marks of values, used to find which elements of two arrays belong together. Two values that are equal under the
 * rules always have the same mark. Ids whose counterpart is not known yet all count as equal.
 */
export class Fingerprints {
  readonly #numbers = new Map<string, number>();
  readonly #known = { old: new Map<object, number>(), new: new Map<object, number>() };
  readonly #ids: IdMap;

  constructor(ids: IdMap) {
    this.#ids = ids;
  }

  /** A quick mark made of some of a value's members (`tellingMembers`); unequal values may share it. */
  rough(value: Json, side: ComparedSide, state: RuleState, members: readonly string[]): string {
    if (!isContainer(value)) return this.leaf(value, side, state);
    if (Array.isArray(value) || state.rules.ignore || state.rules['shape-only']) return typeOf(value);
    let mark = '{';
    for (const name of members) {
      const member = Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
      const inside = state.into(name);
      if (member === undefined || isContainer(member)) mark += '?,';
      else mark += inside.none ? `${typeof member} ${idText(member)},` : `${this.leaf(member, side, inside)},`;
    }
    return mark;
  }

  /** The value's number: the same for two values exactly if they are equal under the rules. Takes no stack for depth. */
  of(value: Json, side: ComparedSide, state: RuleState): number {
    const stack: Frame[] = [frameOf(value, state, false)];
    let result = 0;
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
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

  /** What a scalar is reduced to. */
  leaf(value: Json, side: ComparedSide, state: RuleState, shape = false): string {
    const { rules } = state;
    if (rules.ignore) return 'ignored';
    const map = rules['id-map']?.map;
    if (map === undefined) return reduced(value, rules, shape ? ANY_SHAPE : rules['shape-only']);
    const id = idText(value);
    if (side === 'old') return `id ${this.#ids.newFor(map, id) ?? '?'}`;
    return `id ${this.#ids.oldFor(map, id) === undefined ? '?' : id}`;
  }

  #nextChild(frame: Frame, side: ComparedSide): Frame | undefined {
    const { value, state } = frame;
    if (!isContainer(value) || this.#known[side].has(value) || state.rules.ignore) return undefined;
    const shape = frame.shape || state.rules['shape-only'] !== undefined;
    if (shape && Array.isArray(value)) return undefined;
    frame.keys ??= Array.isArray(value)
      ? value.map((_, index) => [index, index] as const)
      : memberNames(value as JsonObject, side, state);
    const next = frame.keys[frame.parts.length];
    if (next === undefined) return undefined;
    const [key, given] = next;
    return frameOf((value as Readonly<Record<string | number, Json>>)[given]!, state.into(key), shape);
  }

  #finish(frame: Frame, side: ComparedSide): number {
    const { value, parts, keys, state } = frame;
    const known = this.#known[side].get(value as object);
    if (known !== undefined) return known;
    if (!isContainer(value)) return this.#number(this.leaf(value, side, state, frame.shape));
    if (!keys) return this.#number(state.rules.ignore ? 'ignored' : typeOf(value));
    const text = Array.isArray(value)
      ? `[${state.rules.unordered || state.rules.collation ? parts.sort((a, b) => a - b) : parts}`
      : `{${keys.map(([name], index) => `${JSON.stringify(name)}:${parts[index]}`)}`;
    const number = this.#number(text);
    this.#known[side].set(value, number);
    return number;
  }

  #number(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}

/** An id as the id map keeps it: 5 and "5" are the same id. */
export const idText = (value: Json): string => (value instanceof ExactNumber ? value.text : String(value));

const ANY_SHAPE: RuleOf<'shape-only'> = { id: '', reason: '', path: '', kind: 'shape-only' };

interface Frame {
  readonly value: Json;
  readonly state: RuleState;
  readonly shape: boolean;
  /** What a member is called by the rules, and what it is called here. */
  keys: (readonly [key: string | number, given: string | number])[] | undefined;
  readonly parts: number[];
}

const frameOf = (value: Json, state: RuleState, shape: boolean): Frame => ({
  value,
  state,
  shape,
  keys: undefined,
  parts: [],
});

/** Sorted, without those that a rule lets be absent; renamed ones of the candidate under their old name. */
function memberNames(
  value: JsonObject,
  side: ComparedSide,
  state: RuleState,
): (readonly [name: string, given: string])[] {
  const names = Object.keys(value).sort();
  if (state.none) return names.map((name) => [name, name]);
  const olds = new Map<string, string>();
  for (const rule of side === 'new' ? state.renames : []) {
    if (!Object.hasOwn(value, renamedFrom(rule))) olds.set(rule.to, renamedFrom(rule));
  }
  return names
    .map((given) => [olds.get(given) ?? given, given] as const)
    .filter(([name, given]) => {
      const { rules } = state.into(name);
      return !rules.ignore && !(value[given] === null && rules['null-is-absent']);
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
