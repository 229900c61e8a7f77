import type { Fault } from '../fault.ts';
import { appliers } from './appliers.ts';
import { handoffs } from './handoffs.ts';
import { kills } from './kills.ts';

/** Every fault of the suite. */
export const CATALOGUE: readonly Fault[] = [...kills, ...handoffs, ...appliers];
