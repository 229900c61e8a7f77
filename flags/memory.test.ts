import { describe, expect, test } from '@jest/globals';
import { FlagMemory } from './memory.ts';
import { type Feature, percentageOf } from './percentage.ts';

const feature = (rollout: unknown): Feature =>
  ({
    name: 'orders',
    enabled: true,
    strategies: [{ name: 'flexibleRollout', parameters: { rollout, stickiness: 'userId', groupId: 'shop' } }],
  }) as never;

function memory() {
  const problems: string[] = [];
  const clock = { now: 50_000 };
  const flags = new FlagMemory(
    ['orders'],
    (problem) => problems.push(problem),
    () => clock.now,
  );
  return {
    flags,
    problems,
    clock,
    says: (rollout: unknown) => flags.take(() => percentageOf(feature(rollout), 'shop')),
  };
}

describe('the memory of flags', () => {
  test('nothing is known before the first good reading', () => {
    const { flags, says } = memory();
    expect(flags.read('orders')).toBeUndefined();
    says('abc');
    expect(flags.read('orders')).toBeUndefined();
    says('25');
    expect(flags.read('orders')).toEqual({ percentage: 25, age: 0 });
    flags.stop();
  });

  test('faults 44: nonsense keeps the last good value, lets its age grow and is told once', () => {
    const { flags, problems, clock, says } = memory();
    says('25');
    clock.now += 3_000;
    says('-5');
    says('-5');
    expect(flags.read('orders')).toEqual({ percentage: 25, age: 3_000 });
    expect(problems).toEqual([
      'flag orders has a rollout of "-5", which is not 0…100 in steps of 0.01; the last good value, 25 %, is kept',
    ]);
    expect(flags.problem('orders')).toBe(problems[0]);
    says('30');
    expect(flags.problem('orders')).toBeUndefined();
    expect(flags.read('orders')).toEqual({ percentage: 30, age: 0 });
    says('-5');
    expect(problems).toHaveLength(2);
    flags.stop();
  });

  test('reading the same again keeps the flag young and announces nothing', () => {
    const { flags, clock, says } = memory();
    let changes = 0;
    flags.onChange(() => changes++);
    says('25');
    clock.now += 5_000;
    says('25');
    expect(flags.read('orders')).toEqual({ percentage: 25, age: 0 });
    expect(changes).toBe(1);
    flags.stop();
  });

  test('an answer from before our own write does not bring the old percentage back', () => {
    const { flags, says, clock } = memory();
    says('50');
    flags.wrote('orders', 0);
    says('50');
    expect(flags.read('orders')?.percentage).toBe(0);
    says('0');
    clock.now += 2_000;
    says('50');
    expect(flags.read('orders')?.percentage).toBe(50);
    flags.stop();
  });

  test('a listener hears nothing more once it has left', () => {
    const { flags, says } = memory();
    let changes = 0;
    const leave = flags.onChange(() => changes++);
    says('10');
    leave();
    says('5');
    expect(changes).toBe(1);
    flags.stop();
  });
});
