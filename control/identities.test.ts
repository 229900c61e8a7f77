import { expect, test } from '@jest/globals';
import { Identities } from './identities.ts';

const none = { requests: 0, absent: 0, unreadable: 0, unknown: 0 };
const told = (writes: Partial<typeof none>, why?: string) => ({
  ...{ capability: 'orders', reads: { ...none, requests: 900, absent: 900 }, writes: { ...none, ...writes } },
  ...(why !== undefined && { why }),
});

test('faults 83 too many writes without a user close the gate, with how many, why, and what to do; reads do not', () => {
  const identities = new Identities();
  identities.add(told({ requests: 100, absent: 1 }), 0);
  expect(identities.gates(0.01, 0)).toEqual([]);
  identities.add(told({ requests: 100, absent: 2, unreadable: 3, unknown: 4 }, 'the token is no JSON Web Token'), 0);
  expect(identities.gates(0.01, 0)).toEqual([
    '10 of the last 200 writes had no user: 3 name no user, of 3 the user cannot be read, of 4 the user could not be found out (the newest: the token is no JSON Web Token); they go to the monolith, whoever’s data they write. strangler route tells what the Plan makes of a request; guard.withoutUser is how many may be so',
  ]);
  expect(identities.read(0)).toMatchObject({ reads: { requests: 1_800, absent: 1_800 } });
});

test('after ten minutes they are forgotten', () => {
  const identities = new Identities();
  identities.add(told({ requests: 10, absent: 10 }), 0);
  identities.add(told({ requests: 10 }), 300_000);
  expect(identities.gates(0.01, 300_000)).toHaveLength(1);
  expect(identities.gates(0.01, 600_001)).toEqual([]);
  expect(identities.read(600_001).writes.requests).toBe(10);
});
