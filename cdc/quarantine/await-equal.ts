import { setTimeout as sleep } from 'node:timers/promises';
import type { Side } from '@strangler/plan';
import { sayImage } from '../apply/corrections.ts';
import { imagesOf, keyRow } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { OpenSides } from '../sides.ts';

const ARRIVAL_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

/** When one should have arrived that is written now, ms since 1970. */
export const arrivalDue = (): number => Date.now() + ARRIVAL_TIMEOUT_MS;

/** True once a side has these aggregates; false if it does not get there until `due`. */
export async function awaitEqual(
  sides: OpenSides,
  side: Side,
  images: readonly RootImage[],
  due = arrivalDue(),
): Promise<boolean> {
  while (!(await hasAll(sides, side, images))) {
    if (Date.now() > due) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function hasAll(sides: OpenSides, side: Side, images: readonly RootImage[]): Promise<boolean> {
  for (const image of images) {
    const table = sides.mapping.get(image.table)!;
    const [own] = await imagesOf(sides.rows[side], table, [keyRow(table, image.key)]);
    if (sayImage(own!) !== sayImage(image)) return false;
  }
  return true;
}
