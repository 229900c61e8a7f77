import { ExactNumber, isContainer, type Json, type JsonObject } from '../reply/json.ts';
import type { RuleState } from '../rules/rule-state.ts';
import type { Marks } from './marks.ts';
import type { NamedSecrets } from './names.ts';

/** Digits of the shortest number that may be a card's. */
const SHORTEST_CARD = 13;

/** A document without its secrets: those at one of `paths`, those called so, and those that look so. Not recursive. */
export function jsonWithoutSecrets(value: Json, paths: RuleState, { text }: Marks, named: NamedSecrets): Json {
  const { isSecretName, ofName, nameText, looseText } = named;
  const leaf = (inside: Json): Json => {
    if (typeof inside === 'string') return looseText(inside);
    const digits = inside instanceof ExactNumber ? inside.text : typeof inside === 'number' ? String(inside) : '';
    return digits.length >= SHORTEST_CARD && text(digits) !== digits ? text(digits) : inside;
  };
  const root: Json[] = [value];
  const open: { readonly to: Json[] | Record<string, Json>; readonly state: RuleState; readonly within: boolean }[] = [
    { to: root, state: { ...paths, into: () => paths } as RuleState, within: false },
  ];
  for (let level = open.pop(); level; level = open.pop()) {
    for (const key of Object.keys(level.to)) {
      const members = level.to as Record<string, Json>;
      const inside = members[key]!;
      const state = level.state.into(Array.isArray(level.to) ? Number(key) : key);
      const secret =
        level.within || state.rules.ignore !== undefined || (!Array.isArray(level.to) && isSecretName(key));
      if (isContainer(inside)) {
        const copy = Array.isArray(inside) ? [...inside] : renamed(inside as JsonObject, nameText);
        put(members, key, copy);
        open.push({ to: copy, state, within: secret });
      } else put(members, key, secret ? hidden(inside, ofName) : leaf(inside));
    }
  }
  return root[0]!;
}

/** A copy whose names hold no secrets either. */
function renamed(members: JsonObject, text: (name: string) => string): Record<string, Json> {
  const copy = {};
  for (const [name, value] of Object.entries(members)) put(copy, text(name), value);
  return copy;
}

/** Keeps the type of what it hides: a number becomes 0, a truth value stays what it is. */
function hidden(value: Json, mark: (secret: string) => string): Json {
  if (typeof value === 'string') return value === '' ? '' : mark(value);
  return typeof value === 'number' || value instanceof ExactNumber ? 0 : value;
}

function put(members: object, name: string, value: Json): void {
  // Defined, not assigned, which for this name alone makes a difference.
  if (name === '__proto__')
    Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
  else (members as Record<string, Json>)[name] = value;
}
