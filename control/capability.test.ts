import { afterEach, describe, expect, test } from '@jest/globals';
import { keyedRequest } from './keyed-request.ts';
import type { Store } from './store.ts';
import { Lone } from './testing/lone.ts';

let lone: Lone;
afterEach(() => lone.close());

/** A store that loses the answer of one write, or all of them for a time. */
class Unsure {
  lose = false;
  /** It is away as soon as a handoff is stored. */
  diesHolding = false;
  /** It is away from the moment on at which the answer is lost. */
  dies = false;
  down = false;
  readonly between = (store: Store): Store => ({
    ...store,
    read: async () => {
      this.#answer();
      return store.read();
    },
    write: async (row, also) => {
      this.#answer();
      const stored = await store.write(row, also);
      this.down = this.diesHolding && row.body.includes('"holding"');
      if (!this.lose) return stored;
      this.lose = false;
      this.down = this.dies;
      throw new Error('connection lost');
    },
  });
  #answer(): void {
    if (this.down) throw new Error('connect ECONNREFUSED');
  }
}

describe('a rollback that was stored, and whose answer was lost', () => {
  const request = keyedRequest('operate', 'k1', { method: 'POST', path: '/capabilities/shop/rollback', body: {} });
  const rollBack = (by: object = {}) =>
    lone.control.transition(() => ({ type: 'rollback', urgent: true, reason: 'a test' }), { actor: 'operate', ...by });

  async function atHalf(unsure: Unsure): Promise<string[]> {
    const told: string[] = [];
    lone = await Lone.start({ store: unsure.between, told });
    await lone.set(50);
    await lone.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // everything that follows at once has been done
    return told;
  }

  test.each([
    ['nobody asks again', async () => {}],
    ['it is asked for again', () => rollBack()],
    ['it is asked for again under its key', () => rollBack({ request })],
  ])('begins at once, and the webhook hears of it once, if %s', async (_, happens) => {
    const unsure = new Unsure();
    const told = await atHalf(unsure);
    unsure.lose = true;
    await expect(rollBack({ request })).rejects.toThrow('connection lost');
    await happens();
    await lone.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(lone.cell.current).toMatchObject({ boundary: 0, phase: 'idle' });
    expect(told).toEqual(['rollback']);
  });

  test('begins when the store can be read again', async () => {
    const unsure = new Unsure();
    const told = await atHalf(unsure);
    unsure.lose = unsure.dies = true;
    await expect(rollBack()).rejects.toThrow('connection lost');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([lone.cell.current.ramp.state, told]).toEqual(['idle', []]);
    unsure.down = false;
    await lone.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(told).toEqual(['rollback']);
  });
});

test('a capability without tables owes nobody a proof: a rollback that waits for the store for long is done in order', async () => {
  const unsure = new Unsure();
  lone = await Lone.start({ store: unsure.between });
  await lone.set(50);
  await lone.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
  // The store is away for longer than `forceAfter` from the moment on at which the handoff has begun.
  unsure.diesHolding = true;
  await lone.control.transition(() => ({ type: 'rollback', urgent: true, reason: 'a test' }), { actor: 'operate' });
  await lone.until('the handoff', ({ phase }) => phase === 'holding');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  unsure.diesHolding = unsure.down = false;
  const { boundary, unproven } = await lone.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
  expect({ boundary, unproven }).toEqual({ boundary: 0, unproven: [] });
  expect(lone.control.gates().filter((gate) => gate.includes('force'))).toEqual([]);
});
