import { expect, test } from '@jest/globals';
import { type Flight, MOST_NAMED, type Snapshot } from '@strangler/plan';
import { Flights, type Write } from './flights.ts';

const snapshot = (from: 'monolith' | 'service', pins = {}): Snapshot => {
  const to = from === 'monolith' ? 'service' : 'monolith';
  const moving = { epoch: 4, subject: { lo: 0, hi: 100 }, from, to } as const;
  return { term: 1, version: 1, capabilities: { orders: { boundary: 0, pins, moving } } };
};
const write = (more: Partial<Write> = {}): Write => ({
  ...{ capability: 'orders', user: 'u', bucket: 5, side: 'monolith' },
  ...more,
});

function set() {
  const clock = { now: 0 };
  const drained: Flight[] = [];
  const flights = new Flights(
    () => 1_000,
    (flight) => drained.push(flight),
    () => clock.now,
  );
  clock.now = 5_000;
  return { clock, drained, flights };
}

test('only writes of the moving subject to the old side are waited for', () => {
  const { flights, drained } = set();
  const waited = write();
  const others = [
    write({ bucket: 100 }),
    write({ side: 'service' }),
    write({ user: 'pinned' }),
    write({ capability: 'x' }),
  ];
  for (const one of [waited, ...others]) flights.begin(one);
  const told = flights.apply(snapshot('monolith', { pinned: 'monolith' }));
  expect(told).toEqual([
    { capability: 'orders', epoch: 4, inFlight: 1, unknownFor: 0, inFlightOf: [waited.user], unknownOf: [] },
  ]);
  for (const one of others) flights.end(one, true);
  expect(drained).toEqual([]);
  flights.end(waited, true);
  flights.end(waited, true);
  expect(drained).toEqual([
    { capability: 'orders', epoch: 4, inFlight: 0, unknownFor: 0, inFlightOf: [], unknownOf: [] },
  ]);
});

test('a write of which nobody knows whose it is may be of whoever moves: it is waited for, but no longer than it is under way', () => {
  const { flights, drained } = set();
  const [somebodys, known] = [write({ user: undefined, bucket: 0 }), write()];
  for (const one of [somebodys, known]) flights.begin(one);
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ inFlight: 2, inFlightOf: [] }]);
  expect(flights.apply(snapshot('service'))).toMatchObject([{ inFlight: 0 }]);
  flights.apply(snapshot('monolith'));
  flights.end(known, true);
  flights.end(somebodys, false);
  expect(drained).toMatchObject([
    { inFlight: 1, inFlightOf: [], unknownFor: 0 },
    { inFlight: 0, unknownFor: 0 },
  ]);
});

test('the youngest write of unknown fate keeps its subject waiting, and nobody else', () => {
  const { flights, drained, clock } = set();
  const lost = [write(), write(), write({ side: 'service' })];
  for (const one of lost) flights.begin(one);
  for (const one of lost) {
    flights.end(one, false);
    clock.now += 100;
  }
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ inFlight: 0, unknownFor: 800 }]);
  expect(flights.apply(snapshot('service'))).toMatchObject([{ unknownFor: 900 }]);
  clock.now += 900;
  expect(flights.apply(snapshot('service'))).toMatchObject([{ unknownFor: 0 }]);
  expect(drained).toEqual([]);
});

test('a write whose fate gets unknown while it is waited for drains with the time that is left', () => {
  const { flights, drained } = set();
  const one = write();
  flights.begin(one);
  flights.apply(snapshot('monolith'));
  flights.end(one, false);
  expect(drained).toEqual([
    { capability: 'orders', epoch: 4, inFlight: 0, unknownFor: 1_000, inFlightOf: [], unknownOf: [write().user] },
  ]);
});

test('until writeFate has passed since the start, the writes of the process before are of unknown fate', () => {
  const { flights, clock } = set();
  clock.now = 400;
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ unknownFor: 600 }]);
});

test('few users whose writes are in the way are named; more are not, and the process before this one could be anybody', () => {
  const { flights, clock } = set();
  const many = Array.from({ length: MOST_NAMED + 1 }, (_, at) => write({ user: `u${at}` }));
  for (const one of many) flights.begin(one);
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ inFlight: MOST_NAMED + 1, inFlightOf: [] }]);
  flights.end(many[0]!, true);
  const names = many.slice(1).map(({ user }) => user);
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ inFlight: MOST_NAMED, inFlightOf: names }]);
  flights.end(many[1]!, false);
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ inFlightOf: names.slice(1), unknownOf: ['u1'] }]);
  clock.now = 500; // younger than writeFate: the process before this one may have sent anything
  expect(flights.apply(snapshot('monolith'))).toMatchObject([{ unknownFor: 5_500, unknownOf: [] }]);
});
