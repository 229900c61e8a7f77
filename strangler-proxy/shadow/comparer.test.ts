import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Comparer } from './comparer.ts';

const seen = (total: number) => ({
  ...{ status: 200, headers: { 'content-type': ['application/json'] }, cut: undefined },
  body: Buffer.from(JSON.stringify({ total })),
});
const pairOf = (old: number, newer: number) => ({
  ...{ capability: 'orders', method: 'GET', path: '/api/orders/7', self: false },
  ...{ old: seen(old), new: seen(newer) },
});

/** The process that compares for this one. */
function comparing(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1];
      const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return Number(parent) === process.pid && program.includes('comparing-process.ts');
    } catch {
      return false; // it has ended meanwhile
    }
  });
  expect(found).toHaveLength(1);
  return Number(found[0]);
}

let comparer: Comparer;
beforeEach(() => {
  comparer = new Comparer({ orders: [] }, () => {});
});
afterEach(() => comparer.stop());

test('faults 46: a comparing process that dies, of memory or anything, costs the pair it was at and nothing else', async () => {
  expect(await comparer.compare(pairOf(1, 1))).toMatchObject({ kind: 'equal' });
  const pid = comparing();
  process.kill(pid, 'SIGSTOP');
  const lost = comparer.compare(pairOf(1, 1));
  process.kill(pid, 'SIGKILL');
  expect(await lost).toBeUndefined();
  expect(await comparer.compare(pairOf(1, 2))).toMatchObject({ kind: 'mismatch' });
  expect(comparing()).not.toBe(pid);
});

test('rules that changed while there was no process hold in the next one', async () => {
  comparer.use('orders', [
    { id: 'total', reason: 'rounded', kind: 'tolerance', path: '$.total', absolute: 1, owner: 'orders' },
  ]);
  expect(await comparer.compare(pairOf(1, 2))).toMatchObject({ kind: 'equal-by-rule' });
});

test('it gives way to everything else, and is gone when it is stopped', async () => {
  await comparer.compare(pairOf(1, 1));
  const pid = comparing();
  const nice = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]);
  expect(nice).toBeGreaterThanOrEqual(10);
  await comparer.stop();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(await comparer.compare(pairOf(1, 1))).toBeUndefined();
});
