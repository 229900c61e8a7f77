import { afterEach, expect, test } from '@jest/globals';
import type { Snapshot } from '@strangler/plan';
import { ControlLink } from './link.ts';
import { mayFollow } from './snapshot-order.ts';
import { startControl, TOKEN } from './testing/stage.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A link and what it said: snapshots and changes, with a way to wait for them. */
function link(url: string, token = TOKEN) {
  const said: (Snapshot | string)[] = [];
  let followed: Snapshot | undefined;
  let wake: (() => void)[] = [];
  const say = (one: Snapshot | string) => {
    said.push(one);
    for (const resolve of wake.splice(0)) resolve();
  };
  const one = new ControlLink(
    url,
    token,
    'p1',
    (snapshot) => {
      say(snapshot);
      if (!mayFollow(followed, snapshot)) return undefined;
      followed = snapshot;
      return { type: 'ack', term: snapshot.term, version: snapshot.version, flights: [] };
    },
    (id) => say(`confirmed ${id}`),
    (milliseconds) => say(`survey ${milliseconds}`),
    () => say('replaced'),
    (up, reason) => say(up ? 'up' : `down: ${reason}`),
  );
  stops.push(async () => {
    wake = [];
    await one.stop(false);
    await one.stop(false);
  });
  const until = async (enough: () => boolean) => {
    while (!enough()) await new Promise<void>((resolve) => wake.push(resolve));
  };
  return { one, said, until };
}

test('it says who it is, acks snapshots, and comes back for ever when control goes and comes', async () => {
  const control = await startControl();
  const { said, until, one } = link(control.url);
  await control.says({ boundary: 1, pins: {} });
  expect(control.received[0]).toEqual({ type: 'hello', proxy: 'p1', pid: process.pid, process: expect.any(String) });
  await control.stop();
  await until(() => said.length === 3);
  expect(one.up).toBe(false);
  expect(one.tell({ type: 'counts', counts: [] })).toBe(false);
  const again = await startControl(control.port);
  stops.push(again.stop);
  await again.says({ boundary: 2, pins: {} }, 2);
  const changes = said.filter((all) => typeof all === 'string');
  expect([changes[0], changes.at(-1)]).toEqual(['up', 'up']);
  expect(one.up).toBe(true);
});

test('a wrong token is told once, and tried again', async () => {
  const control = await startControl();
  stops.push(control.stop);
  const { said, until } = link(control.url, 'wrong');
  await until(() => said.length > 0);
  while (control.refused.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(said).toEqual(['down: Unexpected server response: 401']);
});
