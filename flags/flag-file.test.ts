import { describe, expect, test } from '@jest/globals';
import { checkPercentage, parseFlagFile, withPercentage } from './flag-file.ts';

const change = { capability: 'orders', group: 'shop', percentage: 25, note: 'why' };
const strategy = { name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'userId', groupId: 'shop' } };

describe('a flags file', () => {
  test('a flag that is absent is added as Unleash itself would write it', () => {
    const { features } = withPercentage({ version: 2, features: [] }, change);
    expect(features).toEqual([
      {
        name: 'orders',
        type: 'release',
        enabled: true,
        description: 'why',
        strategies: [{ ...strategy, constraints: [] }],
      },
    ]);
  });

  test('everything in the file that we do not know is kept', () => {
    const file = parseFlagFile(
      JSON.stringify({
        version: 2,
        meta: { by: 'Ada' },
        features: [
          { name: 'other', enabled: false, strategies: [], color: 'red' },
          {
            name: 'orders',
            enabled: false,
            impressionData: true,
            strategies: [{ ...strategy, parameters: { rollout: '7', note: 'x' }, sortOrder: 3 }],
          },
        ],
      }),
    );
    expect(withPercentage(file, change)).toEqual({
      version: 2,
      meta: { by: 'Ada' },
      features: [
        { name: 'other', enabled: false, strategies: [], color: 'red' },
        {
          name: 'orders',
          type: 'release',
          enabled: true,
          description: 'why',
          impressionData: true,
          strategies: [{ ...strategy, parameters: { ...strategy.parameters, note: 'x' }, sortOrder: 3 }],
        },
      ],
    });
  });

  test('a flag that is more than a percentage is not overwritten', () => {
    const features = [{ name: 'orders', enabled: true, strategies: [{ name: 'userWithId' }] }] as never;
    expect(() => withPercentage({ version: 2, features }, change)).toThrow(/flag orders has a strategy "userWithId"/);
  });

  test('a flag that is more than a percentage is switched off by a rollback, with its strategies as they were', () => {
    const more = { dependencies: [{ feature: 'parent' }], strategies: [{ name: 'userWithId' }] };
    const features = [{ name: 'orders', enabled: true, ...more }] as never;
    const [orders] = withPercentage({ version: 2, features }, { ...change, percentage: 0 }).features;
    expect(orders).toMatchObject({ enabled: false, description: 'why', ...more });
  });

  test('a flag that is there twice is changed in both places', () => {
    const one = (rollout: string) => ({
      name: 'orders',
      enabled: true,
      strategies: [{ ...strategy, parameters: { rollout } }],
    });
    const file = { version: 2, features: [one('60'), { name: 'other', enabled: true }, one('20')] } as never;
    const { features } = withPercentage(file, { ...change, percentage: 5 });
    expect(features.map(({ strategies }) => strategies?.[0]?.parameters.rollout)).toEqual(['5', undefined, '5']);
  });

  test.each([
    ['{', /not valid JSON/],
    ['[]', /no list of features/],
    ['null', /no list of features/],
    ['{"features":{}}', /no list of features/],
    ['{"features":[{}]}', /feature without a name/],
    ['{"features":[null]}', /feature without a name/],
    ['{"features":[{"name":"a","enabled":false,\n\t"enabled":true}]}', /has a key twice at line 2: remove one of them/],
    ['{"features":[],"features":[]}', /has a key twice/],
  ])('%s is refused', (text, why) => {
    expect(() => parseFlagFile(text)).toThrow(why);
  });

  test.each([[-1], [101], [Number.NaN], [Number.POSITIVE_INFINITY], [0.001]])('%d is never written', (percentage) => {
    expect(() => checkPercentage(percentage)).toThrow(/not a percentage/);
  });
});
