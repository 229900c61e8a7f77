import { groupOf, type Plan } from '@strangler/plan';
import { openFlagFile } from './file-store.ts';
import type { FlagStore } from './store.ts';
import { openUnleash } from './unleash-store.ts';

/**
 * Opens the flags the Plan names: a watched file or an Unleash server. Resolves although the source is away; a flag
 * never read is then undefined. `onProblem` hears one sentence whenever something new keeps a flag from being read.
 */
export function openFlags(
  plan: Plan,
  capabilities: readonly string[] = Object.keys(plan.capabilities),
  onProblem: (problem: string) => void = console.warn,
): Promise<FlagStore> {
  const groups = new Map(capabilities.map((capability) => [capability, groupOf(plan, capability)]));
  return 'file' in plan.flags
    ? openFlagFile(plan.flags.file, groups, onProblem)
    : openUnleash(plan.flags.unleash, groups, onProblem);
}
