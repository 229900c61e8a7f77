import { setTimeout as sleep } from 'node:timers/promises';
import { down, up } from '@strangler/servers';
import { strangler } from '../../rehearsal/processes.ts';
import type { Part } from '../../servers.ts';
import type { Fault, Scene } from '../fault.ts';
import { look, rollback, set, until } from '../operator.ts';
import { PLAN_FILE } from '../stack.ts';

const BACK_WITHIN_MS = 30_000;
const SETTLED_WITHIN_MS = 90_000;
/** `recopy` refuses so long after a handoff. */
const HANDOFF_QUIET_MS = 10_500;

/** Takes everybody back at once, and notes how long that took from the order to the boundary at 0. */
async function takeBack({ note }: Scene): Promise<void> {
  const ordered = Date.now();
  await rollback('orders', true);
  await until('everybody back', 'orders', BACK_WITHIN_MS, ({ boundary, phase }) => boundary === 0 && phase === 'idle');
  note('back after', Date.now() - ordered);
}

/** Waits until nothing is unproven any more. */
const settled = () => until('settled', 'orders', SETTLED_WITHIN_MS, ({ unproven }) => !unproven.length);

/** Takes servers down, everybody back, lets the monolith work alone for a while, and puts the plugs back in. */
async function without(parts: readonly Part[], scene: Scene): Promise<void> {
  const pulled = down(parts);
  await scene.pause(0, 300);
  await takeBack(scene);
  await pulled;
  await scene.pause(1_000, 3_000);
  await up({ parts });
}

async function withoutPostgres(scene: Scene): Promise<void> {
  await without(['postgres'], scene);
  await settled();
  scene.over();
}

/** What is acknowledged by the service and not over yet is behind until the plug is back in. */
const behind = { chapter: 'steady', mayRollBack: true, behind: true } as const;

/** Everybody is taken back while the service cannot answer for what it has done. */
export const forced: readonly Fault[] = [
  { ...behind, name: 'forced rollback with Postgres dead, then back', lines: [66], strike: withoutPostgres },
  {
    ...behind,
    name: 'rollback with cdc, Kafka, Connect, Unleash and Postgres dead at once',
    lines: [66],
    inPlan: { unleash: true },
    strike: async (scene) => {
      const { cdc } = scene.stack;
      await cdc.kill();
      await without(['unleash', 'postgres', 'kafka', 'connect'], scene);
      await cdc.start();
      await settled();
      scene.over();
    },
  },
  {
    ...behind,
    name: 'forced back and forth',
    lines: [66],
    strike: async (scene) => {
      for (let round = 0; round < 2; round++) {
        await withoutPostgres(scene);
        await set('orders', 50);
        await until('half of them again', 'orders', SETTLED_WITHIN_MS, ({ boundary }) => boundary === 5_000);
      }
      await withoutPostgres(scene);
    },
  },
  {
    ...behind,
    name: 'Postgres given up with settle --lost, then found and copied again',
    lines: [66],
    strike: async (scene) => {
      const { env } = scene.stack;
      await down(['postgres']); // all of it, or the rollback may still be an orderly one
      await takeBack(scene);
      await strangler(['settle', 'orders', '--lost', '--plan', PLAN_FILE, '--reason', 'fault suite'], env);
      await scene.pause(0, 1_000);
      await up({ parts: ['postgres'] });
      await sleep(HANDOFF_QUIET_MS);
      await strangler(['recopy', 'orders', '--apply', '--plan', PLAN_FILE, '--reason', 'fault suite'], env);
      await until('open gates', 'orders', SETTLED_WITHIN_MS, ({ gates }) => !gates.length);
      scene.over();
    },
  },
  {
    ...{ name: 'forced rollback with confirmed writes', lines: [66], chapter: 'steady', mayRollBack: true },
    inPlan: { confirmed: true },
    strike: async (scene) => {
      const before = (await look('orders'))!.quarantine.open;
      await withoutPostgres(scene);
      await sleep(1_000);
      const kept = (await look('orders'))!.quarantine.open - before;
      if (kept) throw new Error(`${kept} rows wait in quarantine, although every write was confirmed`);
    },
  },
];
