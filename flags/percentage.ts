import type { ClientFeaturesResponse } from 'unleash-client';

/** A feature as Unleash's clients get it. */
export type Feature = ClientFeaturesResponse['features'][number];
type Strategy = NonNullable<Feature['strategies']>[number];

/** What a feature says: a percentage of users, or why it says none. */
export type Reading = { readonly percentage: number } | { readonly problem: string };

/** True for 0…100 in steps of 0.01. */
export function isPercentage(value: number): boolean {
  const hundredths = value * 100;
  return value >= 0 && value <= 100 && Math.abs(hundredths - Math.round(hundredths)) < 1e-6;
}

const say = (value: unknown): string => JSON.stringify(value) ?? String(value);
const isFilled = (list: unknown): boolean =>
  Array.isArray(list) ? list.length > 0 : list !== undefined && list !== null;

/**
 * The percentage a feature stands for: 0 when it is disabled, else the rollout of its flexibleRollout strategies, which
 * must choose users as we do: by `group`. One without any strategy says nothing, disabled or not: it has just been
 * created. Unleash itself stores and serves any nonsense, and more than we follow, so everything that is not plainly one
 * percentage of all users is a problem that names what to change.
 */
export function percentageOf(feature: Feature, group: string): Reading {
  if (typeof feature.enabled !== 'boolean') return { problem: `has enabled: ${say(feature.enabled)}` };
  const strategies = feature.strategies;
  if (!Array.isArray(strategies) || strategies.length === 0) return { problem: 'has no flexibleRollout strategy' };
  if (!feature.enabled) return { percentage: 0 };
  const problem = moreThanAPercentage(feature);
  if (problem) return { problem };
  const rollouts = new Set<number>();
  for (const strategy of strategies) {
    const reading = rolloutOf(strategy, group);
    if ('problem' in reading) return reading;
    rollouts.add(reading.percentage);
  }
  if (rollouts.size > 1) return { problem: `has strategies of different rollout: ${[...rollouts].join(', ')}` };
  return { percentage: [...rollouts][0]! };
}

/** What else decides who has the feature, beside its strategies. */
function moreThanAPercentage(feature: Feature & { archived?: unknown; environments?: unknown }): string | undefined {
  if (isFilled(feature.dependencies)) {
    const parents = [feature.dependencies].flat().map((one) => say(one?.feature ?? one));
    return `depends on ${parents.join(', ')}, and strangler follows one flag alone: remove the dependency`;
  }
  if (isFilled(feature.variants)) return 'has variants, which strangler does not serve: remove them';
  if (feature.archived) return 'is archived: restore it, or remove it from the file';
  if (isFilled(feature.environments)) return 'lists environments: keep the strategies of one, in the flag itself';
  return undefined;
}

/** The percentage of one strategy, if it means the same users as our split. */
function rolloutOf(strategy: Strategy & { disabled?: unknown }, group: string): Reading {
  if (strategy?.name !== 'flexibleRollout') return { problem: `has a strategy ${say(strategy?.name)}` };
  if (isFilled(strategy.constraints) || isFilled(strategy.segments)) {
    return { problem: 'has a strategy with constraints, which is no percentage of all users' };
  }
  if (isFilled(strategy.variants)) return { problem: 'has a strategy with variants: remove them' };
  if (strategy.disabled) return { problem: 'has a disabled strategy, which clients that read files follow: remove it' };
  const { rollout: given, stickiness, groupId } = strategy.parameters ?? {};
  const isNumber = typeof given === 'number' || (typeof given === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(given));
  const rollout = isNumber ? Number(given) : Number.NaN;
  if (!isPercentage(rollout)) {
    return { problem: `has a rollout of ${say(given)}, which is not 0…100 in steps of 0.01` };
  }
  if (stickiness !== 'userId' || groupId !== group) {
    const has = `has stickiness ${say(stickiness)} and groupId ${say(groupId)}, which choose other users than the split`;
    return { problem: `${has}: set them to "userId" and ${say(group)}` };
  }
  return { percentage: Math.round(rollout * 100) / 100 };
}
