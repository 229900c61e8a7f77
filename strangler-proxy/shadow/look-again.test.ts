import { describe, expect, test } from '@jest/globals';
import { compareReplies, ruleSet, toReply } from '@strangler/compare';
import { otherSide, type Side } from '@strangler/plan';
import { type Both, type Compare, lookAgain } from './look-again.ts';
import type { ShadowReply } from './reply.ts';
import type { UserRead } from './sides.ts';

const WORLDS = 200;
let moments = 0;

/** Park and Miller’s generator, so that every world can be seen again. */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const compare: Compare = async (_, old, newer) =>
  compareReplies(
    ...([old, newer].map((seen) => ('error' in seen ? seen : toReply(seen))) as [never, never]),
    ruleSet([]),
  );

type Shows = (rows: readonly object[]) => unknown;
const whole: Shows = (rows) => rows;

/**
 * Two sides with rows that anybody writes on either at any moment, also while the other is asked; what was written is
 * on the other side only when somebody has waited for it. `often`: 0 to 1; `service` and
 * `monolith` show the rows, newest first, rightly or wrongly.
 */
function world(seed: number, often: number, service: Shows, monolith: Shows) {
  const chance = chanceOf(seed + 1);
  const rows: Record<Side, Map<number, object>> = { monolith: new Map(), service: new Map() };
  let onTheWay: { to: Side; id: number }[] = [];
  let last = 0;
  const row = (id: number) => ({ id, total: `${id}.90` });
  const write = () => {
    const to: Side = chance() < 0.5 ? 'monolith' : 'service';
    rows[to].set(++last, row(last));
    onTheWay.push({ to: otherSide(to), id: last });
  };
  for (let past = 0; past < 3; past++) write();
  const ask = async (_: UserRead, side: Side): Promise<ShadowReply> => {
    await Promise.resolve();
    if (chance() < often) write();
    const list = [...rows[side].values()].toSorted((a, b) => (b as { id: number }).id - (a as { id: number }).id);
    const body = Buffer.from(JSON.stringify((side === 'service' ? service : monolith)(list)));
    return { status: 200, headers: { 'content-type': ['application/json'] }, body, cut: undefined };
  };
  const arrived = async () => {
    const before = onTheWay;
    onTheWay = [];
    for (const { to, id } of before) rows[to].set(id, row(id));
    if (chance() < often) write();
    return true;
  };
  return { users: { ownerOf: () => 'monolith' as const, arrived }, sides: { ask }, compare };
}

const asked = { routed: { synced: true } } as UserRead;
const looks = (often: number, service: Shows, monolith: Shows) =>
  Promise.all(
    Array.from({ length: WORLDS }, async (_, seed) => {
      const means = world(seed, often, service, monolith);
      const seen: Both = [await means.sides.ask(asked, 'monolith'), await means.sides.ask(asked, 'service')];
      return lookAgain(asked, 'monolith', seed % 2 ? seen : undefined, means);
    }),
  );

describe('looking again', () => {
  test('never calls it a difference that rows are on their way, in whichever direction, or being written', async () => {
    const page = (rows: readonly object[]) => rows.slice(0, 3);
    for (const [often, shown] of [0.1, 0.4, 0.9].flatMap((one) => [[one, whole] as const, [one, page] as const])) {
      const results = await looks(often, shown, shown);
      expect(results.filter(({ kind }) => kind === 'mismatch')).toEqual([]);
      if (often < 0.5) expect(results.filter(({ kind }) => kind === 'equal').length).toBeGreaterThan(WORLDS / 2);
    }
  });

  test.each([
    ['a value', '$[*].total', (rows: readonly object[]) => rows.map((one) => ({ ...one, total: '0' })), whole],
    ['a row that is left out', '$[*]', (rows: readonly object[]) => rows.slice(0, -1), whole],
    [
      'a value beside one that drifts on both',
      '$[*].total',
      (rows: readonly object[]) => rows.map((one) => ({ ...one, total: '0', now: ++moments })),
      (rows: readonly object[]) => rows.map((one) => ({ ...one, now: ++moments })),
    ],
    ['an order', '$', (rows: readonly object[]) => rows.toReversed(), whole],
  ] as const)(
    'finds %s that is wrong on the service, whatever else is on its way',
    async (_, path, service, monolith) => {
      const results = await looks(0.1, service, monolith);
      const found = results.filter(({ differences }) => differences.some((one) => one.path === path));
      expect(found.length).toBeGreaterThan(WORLDS * 0.7);
      const undecided = results.filter(({ kind }) => kind === 'not-comparable');
      expect(found.length + undecided.length).toBe(WORLDS);
    },
  );
});
