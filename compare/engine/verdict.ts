import { isContainer, type Json, typeOf } from '../reply/json.ts';
import type { IdMap } from '../rules/id-map.ts';
import type { RulesByKind } from '../rules/rule-state.ts';
import type { Rule, RuleOf } from '../rules/rules.ts';
import { sortedByCollation } from './collation.ts';
import type { DifferenceKind } from './difference.ts';
import { idText } from './fingerprint.ts';
import { agreementOf, sameLeaf } from './leaf.ts';
import type { Arrays } from './recognise.ts';

/** In what two values differ, and the rule that excuses it, if one does; undefined if there is nothing to say. */
export type DifferenceVerdict = { readonly kind: DifferenceKind; readonly rule?: Rule } | undefined;

/** The rules that reach a place from outside. */
export interface Around {
  /** The ignore rule this lies inside of. */
  readonly ignored: Rule | undefined;
  /** The shape-only rule this lies inside of. */
  readonly shape: RuleOf<'shape-only'> | undefined;
}

/** A member or an element that only one side has. */
export function verdictOnAbsence(
  key: string | number,
  old: Json | undefined,
  newer: Json | undefined,
  rules: RulesByKind,
  around: Around | undefined,
): DifferenceVerdict {
  const kind = old === undefined ? 'extra' : 'missing';
  const ignored = around?.ignored ?? rules.ignore;
  if (ignored) return { kind, rule: ignored };
  if (typeof key === 'number') return around?.shape ? { kind, rule: around.shape } : { kind };
  const nullIsAbsent = rules['null-is-absent'];
  return nullIsAbsent && (old === null || newer === null) ? { kind, rule: nullIsAbsent } : { kind };
}

/** Two values that are not two arrays or two objects. Learns how ids correspond. */
export function verdictOnLeaves(
  old: Json,
  newer: Json,
  rules: RulesByKind,
  around: Around | undefined,
  ids: IdMap,
): DifferenceVerdict {
  const same = !isContainer(old) && !isContainer(newer) && sameLeaf(old, newer);
  const oneType = typeOf(old) === typeOf(newer);
  const excusedBy = (rule: Rule): DifferenceVerdict => (same ? undefined : { kind: oneType ? 'value' : 'type', rule });
  const ignored = around?.ignored ?? rules.ignore;
  if (ignored) return excusedBy(ignored);
  const idMap = rules['id-map'];
  if (idMap && isId(old) && isId(newer) && (oneType || rules['numeric-string-is-number'])) {
    return ids.corresponds(idMap.map, idText(old), idText(newer)) ? excusedBy(idMap) : { kind: 'value' };
  }
  if (same) return undefined;
  const agreement = agreementOf(old, newer, rules, around?.shape ?? rules['shape-only']);
  return 'differs' in agreement ? { kind: agreement.differs } : excusedBy(agreement.rule);
}

/** Two arrays whose elements stand in another order. */
export function verdictOnOrder({ old, new: newer, state }: Arrays): DifferenceVerdict {
  const { unordered, collation } = state.rules;
  if (unordered) return { kind: 'order', rule: unordered };
  const sorted = collation && sortedByCollation(old, newer, collation.by);
  return sorted ? { kind: 'order', rule: collation } : { kind: 'order' };
}

const isId = (value: Json) => ['string', 'number'].includes(typeOf(value));
