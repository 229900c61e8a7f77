import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { bucketOf as bucketOfThePlan } from '@strangler/plan';
import fc from 'fast-check';

const { bucketOf, partOf } = createRequire(import.meta.url)('./bucket.cjs') as Record<
  'bucketOf' | 'partOf',
  (group: string, user: string) => number
>;

test('a user has the same bucket at the fence as in the toolkit, whoever they are', () => {
  for (let user = 0; user < 20_000; user++)
    expect(bucketOf('shop', String(user))).toBe(bucketOfThePlan('shop', String(user)));
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.uuid(),
    fc.emailAddress(),
  );
  fc.assert(
    fc.property(anyText, anyText, (group, user) => bucketOf(group, user) === bucketOfThePlan(group, user)),
    { numRuns: 2_000 },
  );
});

test('a part is one percent of the buckets', () => {
  for (let user = 0; user < 1_000; user++)
    expect(partOf('shop', String(user))).toBe(Math.floor(bucketOf('shop', String(user)) / 100));
});
