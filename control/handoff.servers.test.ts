import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { barrierArrived, Database, prepareFence, readCheckpoint, readOwnership } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Timings } from './handoff-parts.ts';
import { Bed, TOKENS } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

let databases: TestDatabases;
let bed: Bed;

beforeAll(async () => {
  databases = await TestDatabases.create(await servers(), `control_${process.pid}`);
  for (const side of ['monolith', 'service'] as const)
    await databases.of[side].use((session) => prepareFence(session, 'shop'));
});
afterAll(() => databases.drop());

const open = (handoff: object = {}, more: object = {}) =>
  Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
      handoff: { slice: 100, writeFate: '200ms', ...handoff },
      ...more,
    },
  });

beforeEach(async () => {
  await databases.clear();
});
afterEach(async () => {
  await bed.close();
  await databases.stopApplying();
});

describe('handoffs between the real databases', () => {
  test('users move forward and back slice by slice, each epoch in both logs', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open();
    await bed.start();
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 3 });
    await bed.until('3 %', ({ boundary, phase }) => boundary === 300 && phase === 'idle');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '2 barrier 100-200', '3 barrier 200-300']);
    expect(await databases.log('service')).toEqual(['1 grant 0-100', '2 grant 100-200', '3 grant 200-300']);
    await bed.post('rollback', {});
    const back = await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(back).toMatchObject({ boundary: 0, target: 0, flag: 0, epoch: 6 });
    expect((await databases.log('service')).slice(3)).toEqual([
      '4 barrier 200-300',
      '5 barrier 100-200',
      '6 barrier 0-100',
    ]);
    expect((await databases.log('monolith')).slice(3)).toEqual(['4 grant 200-300', '5 grant 100-200', '6 grant 0-100']);
    const held = proxy.snapshots.filter(({ capabilities }) => capabilities.shop?.moving);
    expect(held.map(({ capabilities }) => capabilities.shop?.moving?.epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await bed.records('handoff')).toHaveLength(6);
  });

  test('a hundred slices follow each other with short pauses', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open();
    await bed.start();
    await bed.proxy('p1', 1);
    await bed.proxy('p2', 2);
    await bed.post('set', { percentage: 100 });
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle', 120_000);
    const pauses = (await bed.records('handoff'))
      .map(({ inputs }) => (inputs as Timings).pauseMs)
      .sort((a, b) => a - b);
    expect(pauses).toHaveLength(100);
    if (process.env.SHOW) console.log('pause p50', pauses[50], 'max', pauses[99]);
  });
});

/** Every epoch begun in a side’s log, and how it ended: `cancel` in the same log or `grant` in the other. */
const fates = async () => {
  const rows = [...(await databases.log('monolith')), ...(await databases.log('service'))].map((row) => row.split(' '));
  const epochs = [...new Set(rows.filter(([, kind]) => kind === 'barrier').map(([epoch]) => epoch))];
  return epochs.map((epoch) =>
    rows.filter(([other, kind]) => other === epoch && kind !== 'barrier').map(([, kind]) => kind),
  );
};
const stored = () =>
  databases.of.monolith.use(async (session) => {
    const { rows } = await session.query('SELECT boundary, body FROM strangler_state');
    return rows[0] && { boundary: Number(rows[0].boundary), phase: JSON.parse(String(rows[0].body)).phase as string };
  });
const hasArrived = () => databases.of.monolith.use((session) => barrierArrived(session, 'shop:reverse', 2));
const until = async (what: string, holds: () => Promise<boolean>) => {
  const end = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe('handoffs that fail on the way', () => {
  test('a barrier that does not arrive: the cancel is in the log before anybody is released', async () => {
    databases.apply('service', false);
    databases.apply('monolith');
    bed = await open({ hold: '3s' });
    await bed.start();
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 1 });
    await proxy.until('the hold', () => proxy.latest!.capabilities.shop!.moving !== undefined);
    await proxy.until('the release', () => proxy.latest!.capabilities.shop!.moving === undefined);
    expect((await databases.log('monolith')).slice(0, 2)).toEqual(['1 barrier 0-100', '1 cancel 0-100']);
    expect((await bed.records('cancel'))[0]).toMatchObject({
      reason: expect.stringContaining('did not arrive on the service'),
    });
    await databases.stopApplying();
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('1 %, once it arrives', ({ boundary }) => boundary === 100);
  });

  test('an urgent rollback needs no proxy and takes the whole range, proven when the service answers in time', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ slice: 5_000, forceAfter: '60s' });
    await bed.start();
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 50 });
    await bed.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
    await databases.stopApplying();
    proxy.acknowledges = false;
    await bed.post('rollback', { now: true });
    await until('the barrier', async () => (await databases.log('service')).includes('2 barrier 0-5000'));
    expect(await bed.shop()).toMatchObject({ boundary: 5_000, phase: 'holding' });
    databases.apply('monolith');
    await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-5000', '2 grant 0-5000']);
    expect(await bed.shop()).toMatchObject({ unproven: [] });
    expect(await bed.records('cancel')).toEqual([]);
  });

  test('a receiving database that hangs does not outlast the hold', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ hold: '500ms' });
    await bed.start();
    const proxy = await bed.proxy();
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query('LOCK TABLE strangler_ownership IN ACCESS EXCLUSIVE MODE');
        await bed.post('set', { percentage: 1 });
        await proxy.until('the hold', () => proxy.latest!.capabilities.shop!.moving !== undefined);
        await proxy.until('the release', () => proxy.latest!.capabilities.shop!.moving === undefined);
      }),
    );
    expect((await databases.log('monolith')).slice(0, 2)).toEqual(['1 barrier 0-100', '1 cancel 0-100']);
    await bed.until('1 %', ({ boundary }) => boundary === 100);
  });

  test('a fenced application’s long transaction cancels the handoff, and it is tried again until that ends', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open();
    await bed.start();
    const proxy = await bed.proxy();
    const application = new Database(databases.urls.monolith, 'reader');
    await application.use((session) =>
      session.transaction(async () => {
        await session.query("SELECT epoch FROM strangler_fence WHERE capability = 'shop' AND part = 0 FOR SHARE");
        await bed.post('set', { percentage: 2 });
        await proxy.until('the hold', () => proxy.latest!.capabilities.shop!.moving !== undefined);
        await proxy.until('the release', () => proxy.latest!.capabilities.shop!.moving === undefined);
        await until('two cancels', async () => (await bed.records('cancel')).length > 1);
        expect(await databases.log('monolith')).toEqual([]);
      }),
    );
    await application.close();
    await bed.until('2 %', ({ boundary, phase }) => boundary === 200 && phase === 'idle');
  });

  test('on the way back the boundary and the grant are one transaction', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ hold: '10s' });
    await bed.start();
    await bed.post('set', { percentage: 1 });
    await bed.until('1 %', ({ boundary, phase }) => boundary === 100 && phase === 'idle');
    const locker = new Database(databases.urls.monolith, 'reader');
    await locker.use(async (session) => {
      await session.query('LOCK TABLES strangler_handoff READ');
      await bed.post('rollback', {});
      await until('the barrier', async () => (await databases.log('service')).includes('2 barrier 0-100'));
      await until('the arrival', hasArrived); // and the grant waits for the lock
      expect(await stored()).toEqual({ boundary: 100, phase: 'holding' });
      await session.query('UNLOCK TABLES');
    });
    await locker.close();
    await bed.until('back', ({ boundary }) => boundary === 0);
    expect(await stored()).toMatchObject({ boundary: 0 });
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '2 grant 0-100']);
  });

  test('faults 53: a state changed by another control is not overwritten: no grant, a cancel, and it starts over', async () => {
    databases.apply('service', false);
    databases.apply('monolith');
    bed = await open({ hold: '10s' });
    await bed.start();
    await bed.post('set', { percentage: 1 });
    await until('the barrier', async () => (await databases.log('monolith')).length === 1);
    await databases.of.monolith.use((session) => session.query('UPDATE strangler_state SET version = version + 1'));
    await databases.stopApplying();
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('1 % at last', ({ boundary, phase }) => boundary === 100 && phase === 'idle');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '1 cancel 0-100', '2 barrier 0-100']);
    expect(await databases.log('service')).toEqual(['2 grant 0-100']);
  });

  test('faults 71, 72: nobody moves forward at a closed gate, which is named, and everybody when it opens; back always', async () => {
    databases.apply('service');
    databases.apply('monolith');
    await databases.of.monolith.use((session) => session.query('DELETE FROM strangler_verify'));
    bed = await open();
    await bed.start();
    await bed.post('set', { percentage: 2 });
    await bed.until('a gate', ({ gates }) => gates.some((gate) => gate.includes('verify')));
    expect(await bed.shop()).toMatchObject({ boundary: 0, target: 200, epoch: 0 });
    await databases.ready();
    await bed.until('2 %', ({ boundary, phase }) => boundary === 200 && phase === 'idle');
    await databases.of.monolith.use((session) => session.query('DELETE FROM strangler_verify'));
    await bed.until('a gate again', ({ gates }) => gates.length > 0);
    await bed.post('set', { percentage: 0 });
    await bed.until('0 %', ({ boundary }) => boundary === 0);
    await databases.ready();
  });

  test('missing tables and a lost state are named with the next step', async () => {
    bed = await open();
    await databases.of.monolith.use(async (session) => {
      await session.query('RENAME TABLE strangler_lease TO hidden');
      await expect(bed.start()).rejects.toThrow('strangler init');
      await session.query('RENAME TABLE hidden TO strangler_lease');
      await session.query(
        "INSERT INTO strangler_handoff (capability, epoch, kind, lo, hi, forced) VALUES ('shop', 1, 'grant', 0, 1, FALSE)",
      );
    });
    await expect(bed.start()).rejects.toThrow(/its state is gone.*backup/);
  });
});

describe('rollbacks by force', () => {
  /** Half of the users on the service, one of whom has just written; from then on nothing arrives from there. */
  const halfWay = async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ slice: 5_000, forceAfter: '200ms', hold: '5s' });
    await bed.start();
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 50 });
    await bed.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
    await databases.stopApplying();
    return proxy;
  };
  const rolledBack = () =>
    bed.until('rolled back', ({ ramp, phase }) => ramp.state === 'rolled-back' && phase === 'idle');

  test('faults 66: without arrival the checkpoint is taken over, nobody moves forward, and it is settled when the service answers', async () => {
    const proxy = await halfWay();
    const users = Array.from({ length: 20 }, (_, at) => `user-${at}`);
    proxy.count({ capability: 'shop', side: 'service', requests: 20, writers: users });
    const there: string[] = [];
    for (const user of users) if ((await bed.owner(user)).side === 'service') there.push(user);
    const before = await databases.of.monolith.use((session) => readCheckpoint(session, 'shop:reverse'));
    await bed.post('rollback', { now: true });
    const back = await rolledBack();
    expect(back).toMatchObject({ boundary: 0, unproven: [{ epoch: 3, subject: { lo: 0, hi: 5_000 }, more: 0 }] });
    expect([...back.unproven[0]!.atRisk].sort()).toEqual(there.sort());
    expect(back.gates.join()).toContain('strangler settle shop --lost');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-5000', '3 grant 0-5000']);
    const after = await databases.of.monolith.use((session) => readCheckpoint(session, 'shop:reverse'));
    expect(after).toEqual({ ...before, version: before.version + 1 });
    const [taken] = await databases.of.monolith.use((session) => readOwnership(session, 'shop:reverse'));
    expect(taken).toMatchObject({ epoch: 3, owns: false, undecided: false, unproven: true });
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('settled', ({ unproven }) => !unproven.length);
    expect(await databases.log('service')).toEqual(['1 grant 0-5000', '2 barrier 0-5000', '3 barrier 0-5000']);
    expect(await bed.records('settled')).toHaveLength(1);
    await bed.post('set', { percentage: 50 });
    await bed.until('50 % again', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
  });

  test('a service database that hangs holds up neither the rollback nor, when it goes on, anything after it', async () => {
    await halfWay();
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query('LOCK TABLE strangler_handoff, strangler_checkpoint IN ACCESS EXCLUSIVE MODE');
        await bed.post('rollback', { now: true });
        await rolledBack();
      }),
    );
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('settled', ({ unproven }) => !unproven.length);
  });

  test('a fenced service’s long transaction holds up no rollback: it goes by force, and is settled when that ends', async () => {
    await halfWay();
    databases.apply('service');
    databases.apply('monolith');
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query("SELECT pg_advisory_xact_lock_shared(hashtext('strangler_fence:shop'), 7)");
        await bed.post('rollback', { now: true });
        const { unproven } = await rolledBack();
        expect(unproven).toHaveLength(1);
        const { rows } = await session.query("SELECT kind FROM strangler_handoff WHERE kind = 'barrier'");
        expect(rows).toEqual([]);
      }),
    );
    await bed.until('settled', ({ unproven }) => !unproven.length);
    expect(await databases.log('service')).toContain('3 barrier 0-5000');
  });

  test('an orderly move back that is stuck on the service gives way to an urgent one', async () => {
    await halfWay();
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query('LOCK TABLE strangler_handoff IN ACCESS EXCLUSIVE MODE');
        await bed.post('rollback', {});
        await until('the hold', async () => (await stored())?.phase === 'holding');
        await bed.post('rollback', { now: true });
        await rolledBack();
      }),
    );
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('settled', ({ unproven }) => !unproven.length);
  });

  test('a grant the service could not be given is owed: it is in its log before the barrier', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ slice: 5_000, forceAfter: '200ms' });
    await bed.start();
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query('LOCK TABLE strangler_handoff IN EXCLUSIVE MODE'); // reading goes on, the grant waits
        await bed.post('set', { percentage: 50 });
        await until('the flip', async () => (await stored())?.phase === 'flipped');
        await bed.post('rollback', { now: true });
        await rolledBack();
      }),
    );
    await bed.until('settled', ({ unproven }) => !unproven.length);
    expect(await databases.log('service')).toEqual(['1 grant 0-5000', '2 barrier 0-5000']);
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-5000', '2 grant 0-5000']);
  });

  test('whoever keeps the checkpoint locked is ended', async () => {
    await halfWay();
    const locker = new Database(databases.urls.monolith, 'reader');
    const ended = locker.use(async (session) => {
      await session.query('START TRANSACTION');
      await session.query("UPDATE strangler_checkpoint SET version = version + 1 WHERE stream = 'shop:reverse'");
      await bed.post('rollback', { now: true });
      await rolledBack();
      await session.query('COMMIT');
    });
    await expect(ended).rejects.toThrow(/closed|lost|killed/i);
    await locker.close();
  });

  test('users pinned by name come back by force too, and a control killed in between goes on', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ slice: 5_000, forceAfter: '200ms' });
    const first = await bed.spawn();
    await bed.until('active', () => true);
    await bed.post('set', { percentage: 50 });
    await bed.post('set', { user: 'ada', side: 'service' });
    await bed.until(
      'both',
      ({ boundary, phase, pins, epoch }) => boundary === 5_000 && pins === 1 && epoch === 2 && phase === 'idle',
    );
    await databases.stopApplying();
    await bed.post('rollback', { now: true });
    await bed.until('the first', ({ unproven }) => unproven.length > 0);
    await first.kill();
    await databases.of.monolith.use((session) => session.query('DELETE FROM strangler_lease'));
    await bed.spawn();
    const back = await rolledBack();
    expect(back.unproven.map(({ subject }) => subject.user ?? 'range')).toEqual(['range', 'ada']);
    expect(await bed.owner('ada')).toMatchObject({ side: 'monolith' });
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('settled', ({ unproven }) => !unproven.length);
  });

  test('settle --lost gives the service’s database up: an admin’s decision, audited, and only a new verify opens the gate', async () => {
    await halfWay();
    const lost = { lost: true, reason: 'the disk is gone' };
    expect(await bed.call('POST', '/capabilities/shop/settle', lost)).toMatchObject({ status: 409 });
    await bed.post('rollback', { now: true });
    await rolledBack();
    await until('the service told', async () => (await databases.log('service')).length === 3);
    const operator = { authorization: `Bearer ${TOKENS.operate}` };
    expect(await bed.call('POST', '/capabilities/shop/settle', lost, operator)).toMatchObject({ status: 403 });
    expect(await bed.call('POST', '/capabilities/shop/settle', { lost: true })).toMatchObject({ status: 400 });
    expect(await bed.post('settle', lost)).toMatchObject({ unproven: [] });
    expect(await bed.records('given-up')).toMatchObject([{ actor: 'admin', reason: 'the disk is gone' }]);
    const givenUp = await databases.log('service');
    databases.apply('service');
    databases.apply('monolith');
    await bed.until('the gate', ({ gates }) => gates.length === 1 && gates[0]!.includes('given up'));
    await databases.ready();
    await bed.until('an open gate', ({ gates }) => !gates.length);
    expect(await databases.log('service')).toEqual(givenUp);
  });
});

describe('control killed', () => {
  /** A child control with nobody in its way; killed and started again it gets the lease when the old one’s runs out. */
  const freeLease = () => databases.of.monolith.use((session) => session.query('DELETE FROM strangler_lease'));

  test('faults 54: after the barrier, before the flip: cancelled, and only then released', async () => {
    databases.apply('service', false);
    databases.apply('monolith');
    bed = await open({ hold: '10s' });
    const first = await bed.spawn();
    await bed.until('active', () => true);
    await bed.post('set', { percentage: 1 });
    await until('the barrier', async () => (await databases.log('monolith')).length === 1);
    await first.kill();
    expect(await stored()).toEqual({ boundary: 0, phase: 'holding' });
    await freeLease();
    await bed.spawn();
    await bed.until('rest', ({ phase }) => phase === 'idle');
    expect((await databases.log('monolith')).slice(0, 2)).toEqual(['1 barrier 0-100', '1 cancel 0-100']);
    expect(await databases.log('service')).toEqual([]);
  });

  test('faults 54: after the flip, before the grant: granted, and only then released', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ hold: '10s', slice: 100 });
    const first = await bed.spawn();
    await bed.until('active', () => true);
    await databases.of.service.use((session) =>
      session.transaction(async () => {
        await session.query('LOCK TABLE strangler_handoff IN EXCLUSIVE MODE'); // reading goes on, the grant waits
        await bed.post('set', { percentage: 1 });
        await until('the flip', async () => (await stored())?.phase === 'flipped');
        await first.kill();
      }),
    );
    await freeLease();
    await bed.spawn();
    await bed.until('rest', ({ phase, boundary }) => phase === 'idle' && boundary === 100);
    expect(await databases.log('service')).toEqual(['1 grant 0-100']);
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100']);
  });

  test('faults 54: killed again and again on a long walk, every epoch has one fate and nobody is skipped', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open({ slice: 50, writeFate: '1ms' });
    let process = await bed.spawn();
    await bed.until('active', () => true);
    await bed.post('set', { percentage: 20 });
    for (let round = 0; round < 4; round++) {
      const from = (await bed.until('some way', ({ boundary, epoch }) => boundary > round * 200 && epoch > 0)).boundary;
      expect(from).toBeLessThanOrEqual(2_000);
      await process.kill();
      await freeLease();
      process = await bed.spawn();
    }
    await bed.until('20 %', ({ boundary, phase }) => boundary === 2_000 && phase === 'idle');
    for (const fate of await fates()) expect(fate).toHaveLength(1);
    const granted = (await databases.log('service')).map((row) => row.split(' ')[2]);
    expect(granted).toEqual(Array.from({ length: 40 }, (_, at) => `${at * 50}-${at * 50 + 50}`));
    expect(await process.stop()).toBe(0);
  });

  test('faults 57: SIGTERM cancels what is being held, gives the lease back and ends with 0', async () => {
    databases.apply('service', false);
    databases.apply('monolith');
    bed = await open({ hold: '10s' });
    const first = await bed.spawn();
    await bed.until('active', () => true);
    await bed.post('set', { percentage: 1 });
    await until('the barrier', async () => (await databases.log('monolith')).length === 1);
    expect(await first.stop()).toBe(0);
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '1 cancel 0-100']);
    expect(await stored()).toEqual({ boundary: 0, phase: 'idle' });
    const { rows } = await databases.of.monolith.use((session) =>
      session.query('SELECT expires_at < CURRENT_TIMESTAMP(6) AS free FROM strangler_lease'),
    );
    expect(rows).toEqual([{ free: 1 }]);
  });
});
