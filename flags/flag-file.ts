import { type Feature, isPercentage } from './percentage.ts';

/** The content of a flags file: what Unleash's clients fetch from `/api/client/features`. */
export type FlagFile = { version: number; features: Feature[] };

/** Whose percentage to set in a file, to what, and what to note beside it. */
export type Change = { capability: string; group: string; percentage: number; note: string };

/** Reads the text of a flags file. Throws with a sentence naming what is wrong; single flags are judged later. */
export function parseFlagFile(text: string): FlagFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not valid JSON (${(error as Error).message})`);
  }
  const features = content && typeof content === 'object' ? (content as { features?: unknown }).features : undefined;
  if (!Array.isArray(features)) throw new Error('has no list of features');
  const named = features.every((feature) => feature && typeof feature === 'object' && typeof feature.name === 'string');
  if (!named) throw new Error('has a feature without a name');
  return content as FlagFile;
}

/** The parameters of the one strategy we write: the same users as ours go first in every Unleash client. */
export const rolloutParameters = (group: string, percentage: number) => ({
  rollout: String(percentage),
  stickiness: 'userId',
  groupId: group,
});

/** Throws unless the percentage is 0…100 in steps of 0.01: neither a file nor an Unleash server would mind. */
export function checkPercentage(percentage: number): void {
  if (!isPercentage(percentage)) throw new Error(`${percentage} is not a percentage of 0…100 in steps of 0.01`);
}

/** The file with one percentage changed and everything else in it kept. Throws if the flag is more than a percentage. */
export function withPercentage(file: FlagFile, { capability, group, percentage, note }: Change): FlagFile {
  const was = file.features.find(({ name }) => name === capability);
  const foreign = was?.strategies?.find(({ name }) => name !== 'flexibleRollout');
  if (foreign) throw new Error(`flag ${capability} has a strategy ${foreign.name}: remove it first`);
  const strategies = was?.strategies?.length
    ? was.strategies
    : [{ name: 'flexibleRollout', parameters: {}, constraints: [] }];
  const parameters = rolloutParameters(group, percentage);
  const now: Feature = {
    name: capability,
    type: 'release',
    ...was,
    enabled: true,
    description: note,
    strategies: strategies.map((strategy) => ({ ...strategy, parameters: { ...strategy.parameters, ...parameters } })),
  };
  const features = was ? file.features.map((feature) => (feature === was ? now : feature)) : [...file.features, now];
  return { ...file, features };
}
