import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeOwnership } from '@strangler/ledger';
import { BUCKETS, groupOf } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { type Mapping, resolveMapping } from '../mapping/mapping.ts';
import { retry } from '../retry.ts';
import { makeWorld, stream, until, type World } from '../testing/world.ts';
import { Applier } from './applier.ts';
import { ApplierAheadError } from './apply-steps.ts';
import type { Step } from './work.ts';

let world: World;
let mapping: Mapping;
let applier: Applier;
let tick = 0;

beforeAll(async () => {
  world = await makeWorld(await servers());
  mapping = await resolveMapping('orders', world.plan.capabilities.orders!, world.monolith, world.service);
});
afterAll(() => world?.destroy());

beforeEach(() => {
  const url = world.plan.capabilities.orders!.service.database!.applier;
  const group = groupOf(world.plan, 'orders');
  applier = new Applier({ capability: 'orders', direction: 'forward', mapping, crossReferences: [], group, url });
});
afterEach(() => applier.close());

/** As the stream asks: again and again; whatever stays broken is never done. */
const inTheEnd = <T>(task: () => Promise<T>): Promise<T> =>
  retry(task, {
    signal: AbortSignal.timeout(10_000),
    isFatal: (error) => error instanceof ApplierAheadError,
    onRetry: () => {},
    onRecovered: () => {},
  });
const endSession = () => world.service.query('SELECT pg_terminate_backend(?)', [applier.sessionId]);
const nextProgress = () => {
  tick++;
  return { position: `u/b.1/${tick}`, kafkaOffset: tick, tick };
};
const order: Step = {
  work: {
    kind: 'changes',
    changes: [],
    position: 'u/b.1/1',
    transaction: 't',
  },
  progress: { position: 'u/b.1/1', kafkaOffset: 1, tick: 1 },
};

describe('an applier whose session has ended', () => {
  test.each(['start', 'prepare', 'outcome', 'commit'] as const)('opens another one for its %s', async (what) => {
    // With some users given away, whose the rows are is asked.
    await writeOwnership(world.service, stream('forward'), {
      ...{ epoch: 1, subject: { lo: 0, hi: BUCKETS / 2 }, owns: false, undecided: false, unproven: false },
    });
    await applier.start();
    const before = applier.sessionId;
    await endSession();
    const ask = {
      start: () => applier.start(),
      prepare: () => applier.prepare([order]),
      outcome: () => applier.outcome(7),
      commit: () => applier.commit([], nextProgress()),
    }[what];
    // Nobody is told of the end before the connection’s own end has come across, which may be while it is asked.
    await until('another session', async () => {
      await inTheEnd<unknown>(ask);
      return applier.sessionId > 0 && applier.sessionId !== before;
    });
    await expect(ask()).resolves.toBeDefined();
  });

  test('begins to read again behind a COMMIT whose answer it has never heard', async () => {
    const { version } = await applier.start();
    const progress = nextProgress();
    let lost: Promise<unknown> = Promise.resolve();
    await world.service.transaction(async () => {
      await world.service.query('SELECT 1 FROM strangler_checkpoint WHERE stream = ? FOR UPDATE', [stream('forward')]);
      lost = applier.commit([], progress).catch((error: unknown) => error);
      await until('it waiting', async () => {
        const { rows } = await world.service.query('SELECT 1 FROM pg_locks WHERE pid = ? AND NOT granted', [
          applier.sessionId,
        ]);
        return rows.length;
      });
      await endSession();
      // What stands here is what stood here if the COMMIT had been carried out and only its answer lost.
      await world.service.query(
        'UPDATE strangler_checkpoint SET version = ?, position = ?, kafka_offset = ?, tick = ? WHERE stream = ?',
        [version + 1, progress.position, progress.kafkaOffset, progress.tick, stream('forward')],
      );
    });
    expect(await lost).toBeInstanceOf(Error);
    expect(await inTheEnd(() => applier.start())).toEqual({ version: version + 1, ...progress });
    expect(await inTheEnd(() => applier.commit([], nextProgress()))).toBe(true);
  });

  test('stops when it was another applier that has moved on meanwhile', async () => {
    await applier.start();
    await world.service.query(
      "UPDATE strangler_checkpoint SET version = version + 1, position = 'u/b.9/9', kafka_offset = 999 WHERE stream = ?",
      [stream('forward')],
    );
    await endSession();
    await expect(inTheEnd(() => applier.start())).rejects.toThrow(ApplierAheadError);
  });
});
