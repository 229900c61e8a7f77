import type { Plan } from './schema.ts';
import type { Side } from './words.ts';

/** The direction of a stream: `forward` from the monolith’s database, `reverse` from the service’s. */
export type Direction = 'forward' | 'reverse';

/** The side whose log a stream reads. */
export const sourceOf = (direction: Direction): Side => (direction === 'forward' ? 'monolith' : 'service');

/** The direction of the stream that feeds a side. */
export const directionInto = (side: Side): Direction => (side === 'service' ? 'forward' : 'reverse');

/** The name of one direction of one capability’s sync, as it is in checkpoints: `orders:forward`. */
export const streamName = (capability: string, direction: Direction): string => `${capability}:${direction}`;

/** The one topic that carries the monolith’s log. */
export const monolithTopic = (plan: Pick<Plan, 'name'>): string => `strangler.${plan.name}.monolith`;

/** The one topic that carries the log of a capability’s service database. */
export const serviceTopic = (plan: Pick<Plan, 'name'>, capability: string): string =>
  `strangler.${plan.name}.${capability}`;

/** The group of the split: a capability’s own, or the Plan’s name. */
export const groupOf = (plan: Plan, capability: string): string => plan.capabilities[capability]!.group ?? plan.name;
