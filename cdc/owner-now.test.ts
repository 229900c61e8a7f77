import { describe, expect, test } from '@jest/globals';
import type { HandoffKind, HandoffRow } from '@strangler/ledger';
import { BUCKETS } from '@strangler/plan';
import { ownerFrom } from './owner-now.ts';

const row = (kind: HandoffKind, epoch: number, user?: string): HandoffRow => ({
  ...{ capability: 'orders', epoch, kind, forced: false },
  subject: { lo: 0, hi: BUCKETS, ...(user !== undefined && { user }) },
});
const owner = (monolith: HandoffRow[], service: HandoffRow[], user = 'ada') =>
  ownerFrom({ monolith, service }, 'shop', user);

describe('who owns a user now', () => {
  test('the monolith, before any handoff', () => {
    expect(owner([], [])).toBe('monolith');
  });

  test('whoever has the grant of the newest epoch', () => {
    expect(owner([row('barrier', 1)], [row('grant', 1)])).toBe('service');
    expect(owner([row('barrier', 1), row('grant', 2)], [row('grant', 1), row('barrier', 2)])).toBe('monolith');
  });

  test('a side that took its barrier back', () => {
    expect(owner([row('barrier', 1), row('cancel', 1)], [])).toBe('monolith');
  });

  test('nobody, between a barrier and its outcome', () => {
    expect(owner([row('barrier', 1)], [])).toBe('moving');
  });

  test('who took the user by force, although the old side has not heard of it', () => {
    expect(owner([], [row('grant', 3)])).toBe('service');
  });

  test('a user once moved by name moves only by name', () => {
    const monolith = [row('barrier', 1), row('grant', 2, 'ada')];
    const service = [row('grant', 1), row('barrier', 2, 'ada')];
    expect(owner(monolith, service)).toBe('monolith');
    expect(owner([...monolith, row('barrier', 3)], [...service, row('grant', 3)])).toBe('monolith');
    expect(owner(monolith, service, 'bob')).toBe('service');
  });
});
