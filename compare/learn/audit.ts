import { parsePath } from '../rules/path.ts';
import { dayOf, isExpired, RuleSet, type UsedRule } from '../rules/rule-set.ts';

/** What is wrong with a rule that is well written. A failure should fail a build, a warning should be read. */
export interface RuleFinding {
  readonly rule: string;
  readonly level: 'failure' | 'warning';
  readonly kind: 'expired' | 'noisier' | 'dead' | 'over-broad' | 'unowned' | 'endless';
  readonly message: string;
}

/** Pairs without which a rule is not called dead, nor noisier than it was. */
const ENOUGH_PAIRS = 300;
const NOISIER = 1.5;

/**
 * What is wrong with the rules: by themselves, and, once some pairs have been compared, by what they excused.
 * `deadAfter`: so many pairs in its scope without excusing anything make a rule dead (1; say more beside live traffic).
 * `now` is for rules without a set, which has its own clock.
 */
export function auditRules(
  rules: RuleSet | readonly UsedRule[],
  { deadAfter = 1, now = new Date() }: { readonly deadAfter?: number; readonly now?: Date } = {},
): RuleFinding[] {
  const isSet = rules instanceof RuleSet;
  const all = isSet ? rules.used : rules;
  const expired = new Set(isSet ? rules.expired : all.flatMap(({ rule }) => (isExpired(rule, dayOf(now)) ? rule : [])));
  return all.flatMap((used) => {
    const { rule, pairs, hits } = used;
    const finding = (level: RuleFinding['level'], kind: RuleFinding['kind'], message: string): RuleFinding => ({
      rule: rule.id,
      level,
      kind,
      message,
    });
    const found: RuleFinding[] = [];
    if (expired.has(rule))
      found.push(finding('failure', 'expired', `excuses nothing since its last day, ${rule.until}`));
    else if (pairs >= deadAfter && hits === 0) {
      found.push(
        finding('warning', 'dead', `excused nothing in ${pairs} pairs of replies: remove it, or look at its path`),
      );
    }
    const noisier = noisierThanUsual(used);
    if (noisier) found.push(finding('failure', 'noisier', noisier));
    const broad = tooBroad(used);
    if (broad) found.push(finding('warning', 'over-broad', broad));
    if (!rule.owner) found.push(finding('warning', 'unowned', 'has no owner to ask'));
    if (!rule.until) found.push(finding('warning', 'endless', 'has no last day: nobody will look at it again'));
    return found;
  });
}

function noisierThanUsual({ rule: { usual }, pairs, hits }: UsedRule): string | undefined {
  if (usual === undefined || pairs < ENOUGH_PAIRS || hits / pairs <= usual * NOISIER) return undefined;
  const per = (rate: number) => rate.toFixed(3);
  return `excused ${per(hits / pairs)} differences per pair, old against old showed ${per(usual)}: something else hides behind it`;
}

function tooBroad({ rule, hits, excused }: UsedRule): string | undefined {
  if (rule.kind !== 'ignore' && rule.kind !== 'shape-only') return undefined;
  const isHeader = !rule.path.startsWith('$');
  const segments = isHeader ? [] : parsePath(rule.path);
  if (rule.path === '$') return 'covers the whole body';
  if (segments.some((segment) => 'deep' in segment))
    return `"${rule.path}" covers places nobody has thought of: name them`;
  const last = segments.at(-1);
  if (last && 'any' in last) return `"${rule.path}" covers every member: name those that may differ`;
  if (hits === 0) return undefined;
  const places = Object.keys(excused).map((what) => what.slice(what.indexOf(' ') + 1));
  const kinds = new Set(Object.keys(excused).map((what) => what.slice(0, what.indexOf(' '))));
  const inside = [...new Set(places)].filter((path) => path !== rule.path);
  if (inside.length > 0 && inside.length <= 3 && !places.includes(rule.path)) {
    return `only ${inside.join(', ')} differed: name ${inside.length === 1 ? 'it' : 'them'} instead`;
  }
  if (rule.kind === 'ignore' && kinds.size === 1 && kinds.has('value') && !isHeader) {
    return 'only values differed, never type or presence: shape-only would go on checking those';
  }
  return undefined;
}
