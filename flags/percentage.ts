import type { ClientFeaturesResponse } from 'unleash-client';

/** A feature as Unleash's clients get it. */
export type Feature = ClientFeaturesResponse['features'][number];

/** What a feature says: a percentage of users, or why it says none. */
export type Reading = { readonly percentage: number } | { readonly problem: string };

/** True for 0…100 in steps of 0.01. */
export function isPercentage(value: number): boolean {
  const hundredths = value * 100;
  return value >= 0 && value <= 100 && Math.abs(hundredths - Math.round(hundredths)) < 1e-6;
}

const say = (value: unknown): string => JSON.stringify(value) ?? String(value);

/**
 * The percentage a feature stands for: 0 when it is disabled, else the rollout of its flexibleRollout strategies.
 * One without any strategy says nothing, disabled or not: it has just been created.
 * Unleash itself stores and serves any nonsense, so everything that is not plainly one percentage is a problem.
 */
export function percentageOf(feature: Feature | undefined): Reading {
  if (!feature) return { problem: 'is missing' };
  if (typeof feature.enabled !== 'boolean') return { problem: `has enabled: ${say(feature.enabled)}` };
  const strategies = feature.strategies;
  if (!Array.isArray(strategies) || strategies.length === 0) return { problem: 'has no flexibleRollout strategy' };
  if (!feature.enabled) return { percentage: 0 };
  const rollouts = new Set<number>();
  for (const strategy of strategies) {
    if (strategy?.name !== 'flexibleRollout') return { problem: `has a strategy ${say(strategy?.name)}` };
    if (strategy.constraints?.length || strategy.segments?.length) {
      return { problem: 'has a strategy with constraints, which is no percentage of all users' };
    }
    const given = strategy.parameters?.rollout;
    const rollout = typeof given === 'number' ? given : typeof given === 'string' && given.trim() ? Number(given) : NaN;
    if (!isPercentage(rollout))
      return { problem: `has a rollout of ${say(given)}, which is not 0…100 in steps of 0.01` };
    rollouts.add(Math.round(rollout * 100) / 100);
  }
  if (rollouts.size > 1) return { problem: `has strategies of different rollout: ${[...rollouts].join(', ')}` };
  return { percentage: [...rollouts][0]! };
}
