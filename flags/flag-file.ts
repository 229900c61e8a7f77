import { parseDocument } from 'yaml';
import { type Feature, isPercentage, percentageOf } from './percentage.ts';

/** The content of a flags file: what Unleash's clients fetch from `/api/client/features`. */
export type FlagFile = { version: number; features: Feature[] };

/** Whose percentage to set in a file, to what, and what to note beside it. */
export type PercentageChange = { capability: string; group: string; percentage: number; note: string };

/** Reads the text of a flags file. Throws with a sentence naming what is wrong; single flags are judged later. */
export function parseFlagFile(text: string): FlagFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not valid JSON (${(error as Error).message})`);
  }
  // JSON.parse takes the last of two and says nothing; every JSON text is a YAML text, whose parser knows where they stand.
  const twice = parseDocument(text).errors.find(({ code }) => code === 'DUPLICATE_KEY');
  if (twice) throw new Error(`has a key twice at line ${twice.linePos?.[0].line}: remove one of them`);
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

/**
 * The file with one percentage changed and everything else in it kept. A flag that is there twice is changed in both
 * places, so that it lands where it is read. One that is more than a percentage is switched off if 0 is wanted; else throws.
 */
export function withPercentage(file: FlagFile, change: PercentageChange): FlagFile {
  const isIt = ({ name }: Feature) => name === change.capability;
  const features = file.features.some(isIt)
    ? file.features.map((feature) => (isIt(feature) ? changed(feature, change) : feature))
    : [...file.features, changed(undefined, change)];
  return { ...file, features };
}

function changed(was: Feature | undefined, { capability, group, percentage, note }: PercentageChange): Feature {
  const strategies =
    Array.isArray(was?.strategies) && was.strategies.length
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
  const reading = percentageOf(now, group);
  if (!('problem' in reading)) return now;
  if (percentage === 0) return { ...now, enabled: false, strategies };
  throw new Error(`flag ${capability} ${reading.problem}`);
}
