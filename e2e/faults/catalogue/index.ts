import type { Fault } from '../fault.ts';
import { kills } from './kills.ts';

/** Every fault of the suite. */
export const CATALOGUE: readonly Fault[] = [...kills];
