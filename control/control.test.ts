import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { groupId } from '@strangler/compare';
import type { Comparison, DecisionRecord, Status, Verdict } from '@strangler/plan';
import pino from 'pino';
import { type Control, startControl } from './control.ts';
import { judge } from './judge.ts';
import { Bed } from './testing/bed.ts';
import type { Notice } from './webhook.ts';

let bed: Bed;
let webhook: Server;
let heard: Notice[];
let refusals: number;

beforeEach(async () => {
  heard = [];
  refusals = 0;
  webhook = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (refusals-- > 0) response.statusCode = 503;
    else heard.push(JSON.parse(Buffer.concat(chunks).toString()) as Notice);
    response.end();
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await bed.close();
  webhook.closeAllConnections();
  webhook.close();
});

const open = async (shop: object = {}) => {
  const { port } = webhook.address() as AddressInfo;
  bed = await Bed.open({
    control: { webhook: `http://127.0.0.1:${port}/` },
    shop: { handoff: { slice: 1_000 }, ...shop },
  });
  await bed.start();
};
const reach = async (percentage: number) => {
  await bed.post('set', { percentage });
  await bed.until(
    `${percentage} %`,
    (shop) => shop.boundary === percentage * 100 && shop.phase === 'idle' && shop.flag === percentage,
  );
};
const until = async (what: string, holds: () => boolean) => {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Everything but Date. */
const REAL = [
  ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const),
  ...(['nextTick', 'queueMicrotask', 'performance', 'hrtime'] as const),
];

describe('the judge in control', () => {
  test('ten hard failures bring everybody back: flag, webhook and a record that can be judged again', async () => {
    await open();
    const proxy = await bed.proxy();
    await reach(50);
    refusals = 1;
    proxy.count({ capability: 'shop', side: 'service', requests: 10, errors: 10, hard: 10 });
    proxy.count({ capability: 'shop', side: 'monolith', requests: 20 });
    await proxy.until('everybody back', () => proxy.latest!.capabilities.shop!.boundary === 0);
    const status = await bed.until('the flag at 0', ({ flag, ramp }) => flag === 0 && ramp.state === 'rolled-back');
    expect(status.ramp).toMatchObject({ reason: expect.stringContaining('hard-failures') });
    expect(await readFile(`${bed.folder}/flags.json`, 'utf8')).toContain('hard-failures');
    const [record] = (await bed.records('rollback')) as [DecisionRecord];
    const { evidence, thresholds, verdict } = record.inputs as {
      evidence: Parameters<typeof judge>[0];
      thresholds: Parameters<typeof judge>[1];
      verdict: Verdict;
    };
    expect(record.actor).toBe('judge');
    expect(judge(evidence, thresholds)).toEqual(verdict);
    await until('the webhook, after a refusal', () => heard.length > 0);
    expect(heard[0]).toMatchObject({ event: 'rollback', capability: 'shop', from: 50, reason: record.reason });
  });

  test('faults 49: after a rollback nothing goes up by itself, and late failures cause no second one', async () => {
    await open();
    const proxy = await bed.proxy();
    await reach(20);
    const fail = () => {
      proxy.count({ capability: 'shop', side: 'service', requests: 10, errors: 10, hard: 10 });
      proxy.count({ capability: 'shop', side: 'monolith', requests: 10 });
    };
    fail();
    await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    fail();
    fail();
    await bed.until('the failures heard', ({ verdict }) => verdict.verdict === 'fail');
    expect(await bed.records('rollback')).toHaveLength(1);
    expect(await bed.shop()).toMatchObject({ boundary: 0, target: 0, ramp: { state: 'rolled-back' } });
    await bed.post('ramp', { action: 'start', steps: [10] });
    await bed.until('10 % again', ({ boundary }) => boundary === 1_000);
  });

  test('faults 52: both sides failing alike move nobody, and a person is told once', async () => {
    await open();
    const proxy = await bed.proxy();
    await reach(50);
    for (let at = 0; at < 5; at++) {
      proxy.count({ capability: 'shop', side: 'service', requests: 100, errors: 40 });
      proxy.count({ capability: 'shop', side: 'monolith', requests: 100, errors: 40 });
    }
    await until('the alert', () => heard.length > 0);
    expect(await bed.shop()).toMatchObject({ boundary: 5_000, verdict: { verdict: 'unsure', rule: 'both-sides' } });
    expect(heard).toMatchObject([{ event: 'alert' }]);
  });

  test('a ramp goes from step to step on enough good requests, and holds without', async () => {
    await open();
    const proxy = await bed.proxy();
    const good = () => {
      proxy.count({ capability: 'shop', side: 'service', requests: 60 });
      proxy.count({ capability: 'shop', side: 'monolith', requests: 60 });
    };
    await bed.post('ramp', { action: 'start', steps: [10, 30], dwell: '50ms' });
    await bed.until('the first step', ({ boundary, verdict }) => boundary === 1_000 && verdict.rule === 'few-requests');
    await bed.until('a flag that follows', ({ flag }) => flag === 10);
    while ((await bed.records('reached')).length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    good();
    await bed.until('the second step', ({ boundary }) => boundary === 3_000);
    while ((await bed.records('reached')).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    good();
    await bed.until('complete', ({ ramp }) => ramp.state === 'complete');
    expect((await bed.records()).map(({ event }) => event).filter((event) => event !== 'handoff')).toEqual([
      ...['start', 'reached', 'step', 'reached', 'complete'],
    ]);
  });

  test('faults 56: a clock that jumps moves nobody and loses no evidence', async () => {
    await open();
    const proxy = await bed.proxy();
    await bed.post('ramp', { action: 'start', steps: [10, 30], dwell: '30m' });
    while ((await bed.records('reached')).length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    proxy.count({ capability: 'shop', side: 'service', requests: 60 });
    await bed.until('the evidence', ({ verdict }) => verdict.verdict === 'pass');
    try {
      for (const jump of [3_600_000, -3_600_000]) {
        jest.useFakeTimers({ doNotFake: REAL, now: Date.now() + jump });
        proxy.count({ capability: 'shop', side: 'service', requests: 1 });
        const heard = jump > 0 ? '61' : '62';
        const status = await bed.until('the next count', ({ verdict }) =>
          verdict.reason.includes(` ${heard} requests`),
        );
        expect(status).toMatchObject({ boundary: 1_000, target: 1_000, verdict: { verdict: 'pass' } });
      }
    } finally {
      jest.useRealTimers();
    }
  });

  test('pause keeps users where they are, resume goes on', async () => {
    await open();
    await bed.proxy();
    await bed.post('ramp', { action: 'start', steps: [10, 30], dwell: '1h' });
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
    expect(await bed.post('ramp', { action: 'pause' })).toMatchObject({ ramp: { state: 'paused' }, target: 1_000 });
    expect(await bed.post('ramp', { action: 'resume' })).toMatchObject({ ramp: { state: 'ramping', step: 0 } });
    expect((await bed.call('POST', '/capabilities/shop/ramp', { action: 'start' })).status).toBe(409);
  });
});

describe('flag and boundary', () => {
  const move = async (percentage: number) => {
    const file = `${bed.folder}/flags.json`;
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"rollout": ?"?\d+(\.\d+)?"?/, `"rollout": "${percentage}"`));
  };

  test('a person who moves the flag pauses the ramp and is obeyed, up and down', async () => {
    await open();
    await bed.post('ramp', { action: 'start', steps: [10, 30], dwell: '1h' });
    await bed.until('10 %', ({ boundary, flag }) => boundary === 1_000 && flag === 10);
    await move(20);
    await bed.until('20 %', ({ boundary, ramp }) => boundary === 2_000 && ramp.state === 'paused');
    await move(0);
    await bed.until('0 %', ({ boundary, ramp }) => boundary === 0 && ramp.state === 'paused');
    expect(await bed.records('flag')).toMatchObject([{ actor: 'flag' }, { actor: 'flag' }]);
  });

  test('faults 43, 44: a flag that cannot be read changes nothing, and does not keep control from starting', async () => {
    await open();
    await reach(30);
    await bed.control!.stop();
    await bed.flags.stop();
    await writeFile(`${bed.folder}/flags.json`, 'garbage');
    const { flags } = bed;
    bed.flags = undefined as never;
    await bed.start();
    expect(await bed.shop()).toMatchObject({
      ...{ boundary: 3_000, target: 3_000, flag: null },
      flagProblem: expect.stringContaining('flags.json'),
    });
    await flags.stop();
  });

  test('faults 43: with the flags gone, a restart keeps everybody where they are and recreates the flag', async () => {
    await open();
    await reach(30);
    await bed.control!.stop();
    await bed.flags.stop();
    await rm(`${bed.folder}/flags.json`);
    bed.flags = undefined as never;
    await bed.start();
    await bed.until('the flag', ({ flag }) => flag === 30);
    expect(await bed.shop()).toMatchObject({ boundary: 3_000, target: 3_000 });
  });

  test('faults 45: a flag that flips ten times a second settles on its last word without swinging', async () => {
    await open();
    await reach(20);
    const before = (await bed.records('handoff')).length;
    for (let flip = 0; flip < 10; flip++) {
      await move(flip % 2 ? 20 : 30);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await bed.until(
      'the last word',
      ({ boundary, flag, target }) => flag === 20 && boundary === 2_000 && target === 2_000,
    );
    expect((await bed.records('handoff')).length - before).toBeLessThanOrEqual(4);
  });

  test('the flag is written when it can be written again', async () => {
    await open();
    await reach(20);
    const file = `${bed.folder}/flags.json`;
    await rm(file);
    await mkdir(file);
    await bed.post('rollback', { reason: 'no flag needed' });
    await bed.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
    await rm(file, { recursive: true });
    await bed.until('the flag at 0', ({ flag }) => flag === 0);
  });
});

describe('life of a control', () => {
  test('faults 54: a restart goes on from the stored state; nothing moves while older writes may be under way', async () => {
    await open({ handoff: { slice: 1_000, writeFate: '300ms' } });
    await reach(30);
    await bed.control!.stop();
    await bed.start();
    const { boundary, gates, epoch } = await bed.shop();
    expect({ boundary, epoch }).toEqual({ boundary: 3_000, epoch: 3 });
    expect(gates[0]).toMatch('the control before this one');
    await reach(40);
  });

  test('faults 54: a control that has moved nobody yet was there all the same: its proxies have sent writes', async () => {
    await open({ handoff: { slice: 1_000, writeFate: '300ms' } });
    expect((await bed.shop()).gates).toEqual([]);
    await bed.control!.stop();
    await bed.start();
    expect((await bed.shop()).gates[0]).toMatch('the control before this one');
    await reach(10);
  });

  test('faults 55: a state that cannot be written refuses changes, and proxies keep the last snapshot', async () => {
    await open();
    const proxy = await bed.proxy();
    await reach(20);
    const { version } = proxy.latest!;
    await mkdir(`${bed.folder}/state.json.new`);
    const refused = await bed.call('POST', '/capabilities/shop/set', { percentage: 50 });
    expect([refused.status, refused.body.error.code]).toEqual([503, 'unavailable']);
    expect((await bed.shop()).target).toBe(2_000);
    expect(proxy.latest!.version).toBe(version);
    await rm(`${bed.folder}/state.json.new`, { recursive: true });
    await reach(30);
  });

  test('users move on only where replies were compared and agree, and come back whatever they say', async () => {
    await open({ compare: { share: '100%', limit: '50%' } });
    const proxy = await bed.proxy();
    const nothing = { routes: [], groups: [], ungrouped: 0 };
    const rest = { capability: 'shop', noise: nothing, again: [], rules: [] };
    const say = (counts: object, groups: object[] = []) => {
      const replies = { routes: [{ route: 'GET /shop', counts }], groups, ungrouped: 0 };
      proxy.say({ type: 'compared', comparison: { ...rest, replies } as unknown as Comparison });
    };
    await bed.post('set', { percentage: 20 });
    await bed.until('a closed gate', ({ gates }) => gates.join().includes('no replies have been compared yet'));
    say({ equal: 5 });
    await bed.until('10 % and more', ({ boundary }) => boundary === 2_000);
    const samples = [{ at: '/shop', place: '$.sum', old: '1', new: '2' }];
    const named = { id: groupId('GET /shop', 'value', '$.sum'), route: 'GET /shop', kind: 'value', path: '$.sum' };
    const group = { ...named, severity: 'medium', pairs: 20, differences: 20 };
    say({ mismatch: 20 }, [{ ...group, samples }]);
    await bed.until('a gate closed again', ({ gates }) => gates.join().includes('GET /shop: 20 of 25 replies differ'));
    await bed.post('set', { percentage: 50 });
    const { body } = await bed.call('GET', '/capabilities/shop/compared');
    expect(body).toMatchObject({
      capability: 'shop',
      replies: {
        routes: [{ route: 'GET /shop', counts: { equal: 5, mismatch: 20 } }],
        groups: [{ ...group, samples }],
      },
    });
    expect(await bed.shop()).toMatchObject({ boundary: 2_000, target: 5_000 });
    await bed.post('set', { percentage: 10 });
    await bed.until('10 %', ({ boundary, phase }) => boundary === 1_000 && phase === 'idle');
    await bed.post('compared/forget', {});
    expect((await bed.records('forget'))[0]).toMatchObject({
      actor: 'admin',
      inputs: { found: [{ route: 'GET /shop', counts: { equal: 5, mismatch: 20 } }] },
    });
    expect((await bed.shop()).gates).toEqual(['no replies have been compared yet']);
  });

  test('a second control stands by and takes over when the first one leaves', async () => {
    await open({ handoff: { slice: 1_000, writeFate: '100ms' } });
    await reach(20);
    const second: Control = await startControl({ plan: bed.plan, flags: bed.flags, log: pino({ level: 'silent' }) });
    try {
      const ask = async (path: string, init: RequestInit = {}) => {
        const headers = { authorization: 'Bearer admin-token', 'content-type': 'application/json' };
        const response = await fetch(second.address + path, { headers, ...init });
        return { status: response.status, body: await response.json() };
      };
      expect(await ask('/health')).toEqual({ status: 200, body: { status: 'ok', active: false } });
      expect((await ask('/status')).body).toMatchObject({ control: { active: false } });
      const set = { method: 'POST', body: '{"percentage":30}' };
      expect((await ask('/capabilities/shop/set', set)).status).toBe(503);
      await bed.control!.stop();
      let status = (await ask('/status')).body as Status;
      while (!status.control.active) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        status = (await ask('/status')).body as Status;
      }
      expect(status.capabilities[0]).toMatchObject({ boundary: 2_000 });
      expect((await ask('/capabilities/shop/set', set)).status).toBe(200);
    } finally {
      await second.stop();
    }
  });

  test('a port in use is named with the next step, and the lease is not kept', async () => {
    await open();
    const listen = bed.control!.address.replace('http://', '');
    const plan = { ...bed.plan, control: { ...bed.plan.control, listen } };
    const started = startControl({ plan, flags: bed.flags, log: pino({ level: 'silent' }) });
    await expect(started).rejects.toThrow(/in use.*control\.listen/);
  });

  test('stop may be called twice', async () => {
    await open();
    await Promise.all([bed.control!.stop(), bed.control!.stop()]);
  });
});
