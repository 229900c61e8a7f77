import { createRequire } from 'node:module';
import type { Side } from '@strangler/plan';
import { GROUP } from './shop.ts';
import type { World } from './world.ts';

type History = { owns(user: string): boolean };
type MakesHistory = new (group: string, side: Side, rows: readonly object[]) => History;
const { History } = createRequire(import.meta.url)('../../fence/history.cjs') as { History: MakesHistory };

const NO_ROWS: readonly object[] = [];
const histories: Readonly<Record<Side, WeakMap<readonly object[], History>>> = {
  monolith: new WeakMap(),
  service: new WeakMap(),
};

/** The fence at a side's database, asked in the write's own transaction: true if this side's own log lets the user write. */
export function letsWrite(world: World, side: Side, user: string): boolean {
  const rows = world[side].tables.strangler_handoff ?? NO_ROWS;
  const history = histories[side].get(rows) ?? new History(GROUP, side, rows);
  histories[side].set(rows, history);
  return history.owns(user);
}
