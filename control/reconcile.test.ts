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
