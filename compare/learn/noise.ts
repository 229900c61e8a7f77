import type { Result } from '../engine/compare-replies.ts';
import { formatOf } from '../engine/leaf.ts';
import type { Rule } from '../rules/rules.ts';
import { sampledValue } from './excuses.ts';
import { type Group, Tally, type TallyReport } from './tally.ts';

/** What differs although both replies came from the old side. */
export interface Noise {
  readonly group: Group;
  /** Comparable pairs of this route. */
  readonly pairs: number;
  /** Differences per pair. */
  readonly usual: number;
  /** The rule to be accepted by a person. */
  readonly proposal?: Rule;
  /** Why none is proposed. */
  readonly refused?: NoiseRefusal;
}

/**
 * status, header: replies of one side that differ so are no noise. structural: something is there or not, or of another
 * type. array-length: other elements. root: the rule would cover the whole body. too-few: nothing is known yet.
 * unresolved: nested too deep to be named.
 */
export type NoiseRefusal = 'status' | 'header' | 'structural' | 'array-length' | 'root' | 'too-few' | 'unresolved';

/** Pairs without which nothing is proposed. */
const ENOUGH = 20;

/** How much further than what was seen a value may go. */
const SLACK = 1;

/**
 * Learns from replies of two instances of the old side, compared with the rules in force, what differs by itself. It
 * only ever proposes, and what it proposes goes on checking shape and range.
 */
export class NoiseLearner {
  readonly #tally = new Tally();

  /** `result` compares the old side with itself. */
  observe(route: string, result: Result): void {
    this.#tally.add({ route, result });
  }

  learned(): Noise[] {
    return noiseIn(this.#tally.report());
  }
}

/**
 * What a tally of the old side against itself shows. `again`: ids of the groups that were there again in a third reply;
 * live data change between two, and only what differs every time is noise. Without it every group is taken to be.
 */
export function noiseIn({ routes, groups }: TallyReport, again?: readonly string[]): Noise[] {
  const comparable = new Map(routes.map(({ route, comparable: pairs }) => [route, pairs]));
  const lasting = again && new Set(again);
  return groups.flatMap((group) => {
    if (lasting && !lasting.has(group.id)) return [];
    const pairs = comparable.get(group.route)!;
    const usual = group.differences / pairs;
    const refused = refusal(group, pairs);
    return { group, pairs, usual, ...(refused ? { refused } : { proposal: proposalFor(group, usual) }) };
  });
}

function refusal({ kind, path }: Group, pairs: number): NoiseRefusal | undefined {
  if (kind === 'status' || kind === 'header') return kind;
  if (path.includes('…')) return 'unresolved';
  if (kind === 'missing' || kind === 'extra') return path.endsWith('[*]') ? 'array-length' : 'structural';
  if (kind === 'type' || kind === 'format') return 'structural';
  if (path === '$' && kind !== 'order') return 'root';
  return pairs < ENOUGH ? 'too-few' : undefined;
}

/** Of a list in which always the same place drifts, for that place alone: its neighbours do not drift. */
function proposalFor(group: Group, usual: number): Rule {
  const { route, kind, place, path: template } = group;
  const path = place ?? template;
  const base = {
    id: `noise-${`${route} ${path}`
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/-$/, '')}`,
    reason: `differs between two replies of the old side, ${usual.toFixed(3)} times per pair`,
    path,
    ...(/^[A-Z]+ \//.test(route) && { routes: [route.replace(/\{[^{}/]*\}/g, '*')] }),
    usual,
  };
  if (kind === 'order') return { ...base, kind: 'unordered' };
  return { ...base, kind: 'shape-only', ...rangeOf(group) };
}

/** Of numbers the range seen and once its width to both sides, of timestamps twice the distance seen. */
function rangeOf({ numbers, milliseconds, samples }: Group): object {
  if (milliseconds !== undefined) return { milliseconds: Math.ceil(milliseconds * (1 + SLACK)) + 1000 };
  const isText = samples.some(
    ({ old }) => typeof sampledValue(old) === 'string' && formatOf(sampledValue(old) as string) !== 'number',
  );
  if (!numbers || isText) return {};
  const width = (numbers.maximum - numbers.minimum) * SLACK;
  return { minimum: numbers.minimum - width, maximum: numbers.maximum + width };
}
