import type { Fault } from '../fault.ts';
import { appliers } from './appliers.ts';
import { bypasses } from './bypass.ts';
import { conditions } from './conditions.ts';
import { copying } from './copying.ts';
import { cutOff } from './cut-off.ts';
import { diskIsFull } from './disk-full.ts';
import { forced } from './forced.ts';
import { handoffs } from './handoffs.ts';
import { kills } from './kills.ts';
import { locks } from './locks.ts';
import { losses } from './losses.ts';
import { pairs } from './pairs.ts';
import { rogues } from './rogues.ts';
import { rows } from './rows.ts';

/** Every fault of the suite. */
export const CATALOGUE: readonly Fault[] = [
  ...kills,
  ...pairs,
  ...handoffs,
  ...cutOff,
  ...forced,
  ...appliers,
  ...locks,
  ...rows,
  ...rogues,
  ...bypasses,
  ...conditions,
  ...diskIsFull,
  ...copying,
  ...losses,
];
