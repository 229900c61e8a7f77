import { formatOf } from '../engine/leaf.ts';
import { ExactNumber, type Json } from '../reply/json.ts';
import type { Rule } from '../rules/rules.ts';
import { excuserOf, excuses, type KeptDifference, sampledValue } from './excuses.ts';
import type { Group } from './tally.ts';

/** A rule for a person to accept, and what it would have hidden. */
export interface Proposal {
  readonly rule: Rule;
  /** Groups of which it would have excused something, the one it was made for among them. */
  readonly hides: readonly Hidden[];
}

export interface Hidden {
  readonly route: string;
  readonly kind: Group['kind'];
  readonly path: string;
  /** Differences in the group. */
  readonly differences: number;
  /** Of its samples those it would have excused. */
  readonly samples: number;
  readonly of: number;
}

/** A narrow rule that would excuse a difference, as a proposal for a person; undefined where none should be proposed. */
export function suggestRule(difference: KeptDifference): Rule | undefined {
  const { path, kind } = difference;
  if (kind === 'status') return undefined;
  if (path.includes('…')) return undefined; // nested so deep that the path is not shown whole
  const absent = kind === 'missing' || kind === 'extra';
  if (absent && (path === '$' || path.endsWith('[*]'))) return undefined; // would let any number of elements go
  const id = path.replace(/[^\w]+/g, '-').replace(/^-|-$/g, '') || 'body';
  const base = { id, reason: 'why this may differ', path };
  if (kind === 'order') return { ...base, kind: 'unordered' };
  const narrow = NARROW.map((more) => ({ ...base, ...more }) as Rule).find((rule) => excuses(rule, difference));
  if (narrow) return narrow;
  const [old, newer] = [sampledValue(difference.old), sampledValue(difference.new)];
  if (kind === 'value' && /id'?\]?$/i.test(path) && isScalar(old) && isScalar(newer))
    return { ...base, kind: 'id-map', map: id };
  if (kind === 'value' && typeof old === 'string' && formatOf(old) !== 'text') return { ...base, kind: 'shape-only' };
  return { ...base, kind: 'ignore' };
}

/** What is tried first, from the narrowest on: each says what is the same instead of looking away. */
const NARROW = [
  { kind: 'numeric-string-is-number' },
  { kind: 'number-is-boolean' },
  { kind: 'empty-is-null' },
  { kind: 'null-is-absent' },
  { kind: 'same-instant' },
  { kind: 'same-instant', milliseconds: 1000 },
  { kind: 'same-instant', milliseconds: 1000, zone: '+00:00' },
] as const;

const isScalar = (value: Json | undefined) =>
  typeof value === 'string' || typeof value === 'number' || value instanceof ExactNumber;

/** A rule for a whole group, judged by all its samples, and what it would have hidden of these groups. */
export function propose(group: Group, groups: readonly Group[]): Proposal | undefined {
  const renamed = renameOf(group, groups);
  const rule = scopedTo(group, renamed ?? suggestForAll(group));
  return rule && { rule, hides: whatItHides(rule, groups) };
}

/** What a rule would have hidden of the differences in these groups. */
export function whatItHides(rule: Rule, groups: readonly Group[]): Hidden[] {
  const wouldExcuse = excuserOf(rule);
  return groups.flatMap((group) => {
    if (rule.routes && !rule.routes.includes(routePattern(group.route))) return [];
    const excused = group.samples.filter(({ old, new: newer }) => wouldExcuse({ ...group, old, new: newer })).length;
    const { route, kind, path, differences } = group;
    return excused === 0 ? [] : [{ route, kind, path, differences, samples: excused, of: group.samples.length }];
  });
}

/** The rule suggested for the sample that needs the broadest one. */
function suggestForAll(group: Group): Rule | undefined {
  const rules = group.samples.map(({ old, new: newer }) => suggestRule({ ...group, old, new: newer }));
  if (rules.some((rule) => rule === undefined)) return undefined;
  const fitting = (rules as Rule[]).find((rule) =>
    group.samples.every(({ old, new: newer }) => excuses(rule, { ...group, old, new: newer })),
  );
  return fitting ?? rules[0];
}

/** A member that is missing while one with the same values is extra beside it: `createdAt` and `created_at`. */
function renameOf(group: Group, groups: readonly Group[]): Rule | undefined {
  if (group.kind !== 'missing' && group.kind !== 'extra') return undefined;
  const [parent, name] = split(group.path);
  if (name === undefined) return undefined;
  const other = groups.find((candidate) => {
    const [itsParent, itsName] = split(candidate.path);
    const opposite = candidate.kind === (group.kind === 'missing' ? 'extra' : 'missing');
    return opposite && candidate.route === group.route && itsParent === parent && itsName && alike(name, itsName);
  });
  if (!other) return undefined;
  const [from, to] = group.kind === 'missing' ? [group, other] : [other, group];
  const base = { id: `renamed-${split(from.path)[1]}`, reason: 'why it is called otherwise', path: from.path };
  return { ...base, kind: 'rename', to: split(to.path)[1]! };
}

const split = (path: string): readonly [parent: string, name: string | undefined] => {
  const match = /^(.*)\.([A-Za-z_$][\w$-]*)$/.exec(path);
  return match ? [match[1]!, match[2]] : [path, undefined];
};
const alike = (a: string, b: string) => plain(a) === plain(b);
const plain = (name: string) => name.toLowerCase().replace(/[_-]/g, '');

/** The rule for the group's endpoint only, named after both. */
function scopedTo({ route }: Group, rule: Rule | undefined): Rule | undefined {
  const pattern = routePattern(route);
  if (!rule || !/^[A-Z]+ \//.test(pattern)) return rule;
  const endpoint = pattern
    .toLowerCase()
    .replaceAll('*', 'one')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
  const id = `${endpoint}-${rule.id}-${rule.kind}`;
  return { ...rule, id, routes: [pattern] };
}

/** `GET /orders/{id}` as a rule's scope. */
const routePattern = (route: string) => route.replace(/\{[^{}/]*\}/g, '*').replace(/[?#].*$/s, '');
