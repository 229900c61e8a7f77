import { hasHandoff, readStates, type Session } from '@strangler/ledger';
import { type Moving, type Side, streamName } from '@strangler/plan';
import type { Chapter, Fault, Scene } from '../fault.ts';
import { eventually, holding, inSession } from '../holding.ts';
import { takenOver } from './kills.ts';

const SEEN_WITHIN_MS = 15_000;

/** What the state of orders says in MySQL. */
async function phaseOf(monolith: Session): Promise<{ phase: string; moving: Moving | null }> {
  const row = (await readStates(monolith)).find(({ capability }) => capability === 'orders');
  return JSON.parse(row!.body) as { phase: string; moving: Moving | null };
}

/** Opens a session on both sides, and looks for moments of a handoff. */
function withSides<T>({ stack }: Scene, work: (sides: Sides) => Promise<T>): Promise<T> {
  const { monolith, orders } = stack.addresses;
  return inSession(monolith.admin, (a) => inSession(orders.admin, (b) => work(new Sides(a, b))));
}

class Sides {
  readonly #sessions: Readonly<Record<Side, Session>>;
  constructor(monolith: Session, service: Session) {
    this.#sessions = { monolith, service };
  }

  /** Waits for a handoff in a phase, with a row of this kind written or not. */
  phase(phase: 'holding' | 'flipped', kind?: 'barrier' | 'grant', written = true): Promise<Moving> {
    return eventually(`a handoff ${phase}`, SEEN_WITHIN_MS, async () => {
      const state = await phaseOf(this.#sessions.monolith);
      if (state.phase !== phase || !state.moving) return undefined;
      if (!kind) return state.moving;
      const { from, to, epoch } = state.moving;
      const has = await hasHandoff(this.#sessions[kind === 'grant' ? to : from], 'orders', epoch, kind);
      return has === written ? state.moving : undefined;
    });
  }

  /** Waits until the barrier of a handoff has been applied on its new side. */
  async arrival({ to, epoch }: Moving): Promise<void> {
    const stream = streamName('orders', to === 'service' ? 'forward' : 'reverse');
    const sql = 'SELECT 1 AS one FROM strangler_ownership WHERE stream = ? AND epoch = ?';
    await eventually('the arrival of the barrier', SEEN_WITHIN_MS, async () => {
      const { rows } = await this.#sessions[to].query(sql, [stream, epoch]);
      return rows.length > 0;
    });
  }
}

/** Nothing of orders is applied to a side while this is locked. */
const checkpointOf = (direction: 'forward' | 'reverse') =>
  `SELECT version FROM strangler_checkpoint WHERE stream = 'orders:${direction}' FOR UPDATE`;
const STATE = "SELECT version FROM strangler_state WHERE capability = 'orders' FOR UPDATE";
/** Lets everybody read handoffs and nobody write one. */
const GRANTS = 'LOCK TABLE strangler_handoff IN SHARE MODE';

/** Kills the control at the very moment `reach` has come to, and lets go of what it holds. */
const controlKilledAt =
  (reach: (scene: Scene, sides: Sides, kill: () => Promise<void>) => Promise<void>) => async (scene: Scene) => {
    const victim = await scene.stack.activeControl();
    await withSides(scene, (sides) => reach(scene, sides, () => victim.kill()));
    const begun = Date.now();
    await takenOver(scene.stack);
    scene.note('fail-over', Date.now() - begun);
    await victim.start();
  };

const killedWhile = (
  chapter: Chapter,
  when: string,
  reach: (scene: Scene, sides: Sides, kill: () => Promise<void>) => Promise<void>,
): Fault => ({
  ...{ name: `control killed ${when}, ${chapter}`, lines: [54], chapter },
  strike: controlKilledAt(reach),
});

/** Breaks a handoff at each of its steps. */
export const handoffs: readonly Fault[] = [
  killedWhile('ramping', 'while it waits for a proxy to hold', async ({ stack }, sides, kill) => {
    stack.proxies[1].signal('SIGSTOP');
    await sides.phase('holding', 'barrier', false);
    await kill();
    stack.proxies[1].signal('SIGCONT');
  }),
  killedWhile('ramping', 'with the barrier under way', ({ stack }, sides, kill) =>
    holding(stack.addresses.orders.admin, [checkpointOf('forward')], async () => {
      await sides.phase('holding', 'barrier');
      await kill();
    }),
  ),
  killedWhile('rolling back', 'with the barrier under way', ({ stack }, sides, kill) =>
    holding(stack.addresses.monolith.admin, [checkpointOf('reverse')], async () => {
      await sides.phase('holding', 'barrier');
      await kill();
    }),
  ),
  killedWhile('ramping', 'with the barrier arrived and nothing flipped', async ({ stack }, sides, kill) => {
    const { monolith, orders } = stack.addresses;
    await inSession(monolith.admin, async (lock) => {
      await lock.query('START TRANSACTION');
      const moving = await holding(orders.admin, [checkpointOf('forward')], async () => {
        const barred = await sides.phase('holding', 'barrier');
        await lock.query(STATE);
        return barred;
      });
      await sides.arrival(moving);
      await kill();
      await lock.query('ROLLBACK');
    });
  }),
  killedWhile('ramping', 'flipped and nothing granted', ({ stack }, sides, kill) =>
    holding(stack.addresses.orders.admin, [GRANTS], async () => {
      await sides.phase('flipped', 'grant', false);
      await kill();
    }),
  ),
  killedWhile('ramping', 'granted and nobody released', async ({ stack }, sides, kill) => {
    const { monolith, orders } = stack.addresses;
    await inSession(monolith.admin, async (lock) => {
      await lock.query('START TRANSACTION');
      await holding(orders.admin, [GRANTS], async () => {
        await sides.phase('flipped', 'grant', false);
        await lock.query(STATE);
      });
      await sides.phase('flipped', 'grant');
      await kill();
      await lock.query('ROLLBACK');
    });
  }),
  {
    name: 'proxy killed while holding',
    lines: [54],
    chapter: 'ramping',
    strike: async (scene) => {
      const { stack } = scene;
      await withSides(scene, (sides) =>
        holding(stack.addresses.orders.admin, [checkpointOf('forward')], async () => {
          await sides.phase('holding', 'barrier');
          await scene.pause(50, 400);
          await stack.proxies[0].kill();
        }),
      );
      await stack.proxies[0].start();
    },
  },
];
