import { describe, expect, test } from '@jest/globals';
import { type Feature, isPercentage, percentageOf as percentageIn } from './percentage.ts';

const rollout = (value: unknown, more: object = {}) => ({
  name: 'flexibleRollout',
  parameters: { rollout: value, stickiness: 'userId', groupId: 'shop' },
  constraints: [],
  ...more,
});
const feature = (...strategies: object[]) => ({ name: 'orders', enabled: true, strategies }) as unknown as Feature;

const percentageOf = (given: Feature) => percentageIn(given, 'shop');

describe('the percentage of a feature', () => {
  test.each([
    ['25', 25],
    [25, 25],
    ['0', 0],
    ['100', 100],
    ['0.01', 0.01],
    ['12.5', 12.5],
    [' 7 ', 7],
  ])('a rollout of %j is %d %%', (value, percentage) => {
    expect(percentageOf(feature(rollout(value)))).toEqual({ percentage });
  });

  test('a disabled feature is 0 %, whatever its strategies say', () => {
    expect(percentageOf({ ...feature(rollout('nonsense')), enabled: false })).toEqual({ percentage: 0 });
  });

  test('a feature that was just created, disabled and without a strategy, is no wish for 0 %', () => {
    expect(percentageOf({ ...feature(), enabled: false })).toEqual({ problem: 'has no flexibleRollout strategy' });
  });

  test('strategies that agree are one percentage', () => {
    expect(percentageOf(feature(rollout('25'), rollout(25)))).toEqual({ percentage: 25 });
  });

  test.each([[-1], ['-0.01'], [100.01], ['101'], ['NaN'], [Number.NaN], ['abc'], [''], [' '], [null], [undefined]])(
    'a rollout of %j is a problem',
    (value) => {
      expect(percentageOf(feature(rollout(value)))).toHaveProperty('problem', expect.stringContaining('rollout'));
    },
  );

  test.each([[12.345], ['1e-3'], [true], [['25']], ['Infinity'], ['0x10'], ['1e1'], ['+5'], ['5 %']])(
    'so is %j',
    (value) => {
      expect(percentageOf(feature(rollout(value)))).toHaveProperty('problem');
    },
  );

  test('what is more than one percentage of all users is a problem that says why', () => {
    expect(percentageOf(feature())).toEqual({ problem: 'has no flexibleRollout strategy' });
    expect(percentageOf(feature({ name: 'userWithId' }))).toEqual({ problem: 'has a strategy "userWithId"' });
    expect(percentageOf(feature(rollout('10'), rollout('20')))).toEqual({
      problem: 'has strategies of different rollout: 10, 20',
    });
    expect(percentageOf(feature(rollout('10', { constraints: [{}] })))).toEqual({
      problem: 'has a strategy with constraints, which is no percentage of all users',
    });
    expect(percentageOf({ name: 'orders', enabled: 'yes' } as never)).toEqual({ problem: 'has enabled: "yes"' });
    expect(percentageOf(feature(null as never))).toEqual({ problem: 'has a strategy undefined' });
  });

  test.each([
    [{ dependencies: [{ feature: 'parent' }] }, 'depends on "parent", and strangler follows one flag alone'],
    [{ dependencies: 'parent' }, 'depends on "parent"'],
    [{ variants: [{ name: 'blue', weight: 1000 }] }, 'has variants'],
    [{ archived: true }, 'is archived'],
    [{ environments: [{ name: 'production' }] }, 'lists environments: keep the strategies of one'],
    [{ strategies: [rollout('10', { segments: [1] })] }, 'constraints'],
    [{ strategies: [rollout('10', { variants: [{ name: 'blue' }] })] }, 'a strategy with variants'],
    [{ strategies: [rollout('10', { disabled: true })] }, 'a disabled strategy'],
    [
      { strategies: [rollout('10', { parameters: { rollout: '10' } })] },
      'has stickiness undefined and groupId undefined',
    ],
    [
      { strategies: [rollout('10', { parameters: { rollout: '10', stickiness: 'default', groupId: 'shop' } })] },
      'set them to "userId" and "shop"',
    ],
    [
      { strategies: [rollout('10', { parameters: { rollout: '10', stickiness: 'userId', groupId: 'orders' } })] },
      'groupId "orders", which choose other users than the split',
    ],
  ])('a flag with %j is not plainly a percentage, and is refused by name', (more, problem) => {
    expect(percentageOf({ ...feature(rollout('100')), ...more } as never)).toEqual({
      problem: expect.stringContaining(problem),
    });
    expect(percentageOf({ ...feature(rollout('100')), ...more, enabled: false } as never)).toEqual({ percentage: 0 });
  });

  test('what changes nothing about who is on is no problem', () => {
    const more = {
      stale: true,
      impressionData: true,
      type: 'experiment',
      dependencies: [],
      variants: [],
      project: 'p',
    };
    expect(percentageOf({ ...feature(rollout('25', { segments: [], variants: [] })), ...more } as never)).toEqual({
      percentage: 25,
    });
  });

  test('every step of 0.01 between 0 and 100 is a percentage, however floating point writes it', () => {
    for (let hundredths = 0; hundredths <= 10_000; hundredths++) expect(isPercentage(hundredths / 100)).toBe(true);
    expect(isPercentage(0.1 + 0.2)).toBe(true);
    expect(isPercentage(0.005)).toBe(false);
  });
});
