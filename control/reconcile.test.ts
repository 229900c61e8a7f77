import { afterEach, expect, test } from '@jest/globals';
import type { Flight } from '@strangler/plan';
import { Lone, TestSides } from './testing/lone.ts';

let lone: Lone;
afterEach(() => lone.close());

/** A write of ada's is in the way of every range. */
const adaWrites = (flight: Flight, { subject }: { subject: { user?: string } }): Flight =>
  subject.user === undefined ? { ...flight, inFlight: 1, inFlightOf: ['ada'] } : flight;

test('a rollback by force ends when nobody is held any more, also who was only to be named where they are', async () => {
  const sides = new TestSides();
  const write = sides.write;
  // The service's database dies while ada, whom the range is to leave behind, is named on the monolith.
  sides.write = (...rows) => {
    sides.away = true;
    sides.write = write;
    return write(...rows);
  };
  lone = await Lone.start({ sides, flight: adaWrites });
  await lone.set(10);
  await lone.until('the naming', () => sides.away);
  await lone.control.transition(() => ({ type: 'rollback', urgent: true, reason: 'a test' }), { actor: 'operate' });
  const rolledBack = await lone.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
  expect(rolledBack).toMatchObject({ phase: 'idle', moving: null, boundary: 0, pins: { ada: 'monolith' } });
  expect(lone.control.snapshot().moving).toBeUndefined();
  sides.away = false;
  await lone.until('the proof', ({ unproven }) => !unproven.length);
});

test('nobody is held for a service whose database does not answer: a move away from it does not begin', async () => {
  const sides = new TestSides();
  lone = await Lone.start({ sides });
  await lone.set(10);
  await lone.until('10 %', ({ boundary, phase }) => boundary === 1_000 && phase === 'idle');
  sides.away = true;
  await lone.set(0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(lone.cell.current).toMatchObject({ boundary: 1_000, phase: 'idle', epoch: 1 });
  sides.away = false;
  await lone.until('0 %', ({ boundary, phase }) => boundary === 0 && phase === 'idle');
});

test('status says that writes under way hold a range only while they do, however many users have a name', async () => {
  let writes = false;
  lone = await Lone.start({ flight: (flight, moving) => (writes ? adaWrites(flight, moving) : flight) });
  const names = Array.from({ length: 1_000 }, (_, at) => [`vip${at}`, 'monolith'] as const);
  const named = { desired: Object.fromEntries(names), pins: Object.fromEntries(names) };
  await lone.cell.update((state) => ({ ...state, ...named }));
  const said = new Set<string>();
  const listen = setInterval(() => {
    for (const reason of lone.control.status().waitsFor) said.add(reason);
  }, 1);
  try {
    await lone.set(10);
    await lone.until('10 %', ({ boundary, phase }) => boundary === 1_000 && phase === 'idle');
    expect([...said]).toEqual([]);
    writes = true;
    await lone.set(20);
    await lone.until('a handoff that fails', () => said.size > 0);
    expect([...said]).toEqual([expect.stringContaining('writes under way')]);
    writes = false;
    await lone.until('20 %', ({ boundary, phase }) => boundary === 2_000 && phase === 'idle');
    expect(lone.control.status().waitsFor).toEqual([]);
  } finally {
    clearInterval(listen);
  }
});
