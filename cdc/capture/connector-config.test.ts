import { describe, expect, test } from '@jest/globals';
import { parsePlan } from '@strangler/plan';
import { monolithConnector, serviceConnector, withPlaceholder } from './connector-config.ts';
import { VALUE_SETTINGS } from './value-settings.ts';

const database = (scheme: string) =>
  JSON.stringify(
    Object.fromEntries(['admin', 'control', 'applier', 'capture'].map((role) => [role, `${scheme}://${role}:x@h/d`])),
  );
const plan = parsePlan(
  `{ version: 1, name: shop, monolith: { database: ${database('mysql')} },
     kafka: { brokers: ['localhost:9092'], connect: 'http://localhost:8083' },
     control: { tokens: { admin: not-a-secret, proxy: not-one-either } },
     capabilities: { orders: { service: { database: ${database('postgres')} }, tables: { orders: { user: user_id } } } } }`,
  {},
);
const config = serviceConnector(plan, 'orders');

describe('the configuration of a connector', () => {
  test('holds every setting of the list that could change a value', () => {
    for (const { name, value, only, why } of VALUE_SETTINGS) {
      if (only !== 'postgres') expect(monolithConnector(plan)).toMatchObject({ [name]: value });
      if (only !== 'mysql') expect(config).toMatchObject({ [name]: value });
      expect(why).toMatch(/\w/);
    }
  });

  test('replaces no NULL by a DEFAULT, in keys and values, and moves no year', () => {
    for (const one of [monolithConnector(plan), config]) {
      expect(one['key.converter.replace.null.with.default']).toBe('false');
      expect(one['value.converter.replace.null.with.default']).toBe('false');
    }
    expect(monolithConnector(plan)['enable.time.adjuster']).toBe('false');
  });

  test('writes for a missing value what nobody can guess, keeps it, and says it in a header (faults 89)', () => {
    const first = withPlaceholder(config, undefined);
    const placeholder = first['unavailable.value.placeholder'];
    expect(withPlaceholder(config, undefined)['unavailable.value.placeholder']).not.toBe(placeholder);
    expect(withPlaceholder(config, first)).toEqual(first);
    expect(withPlaceholder(config, { 'unavailable.value.placeholder': 'by hand' })).not.toMatchObject({
      'unavailable.value.placeholder': 'by hand',
    });
    expect(first).toMatchObject({
      ...{ transforms: 'one,placeholder', 'transforms.placeholder.header': 'strangler.unavailable' },
      'transforms.placeholder.value.literal': placeholder,
    });
  });

  test('of MySQL has no such text: its log is whole', () => {
    expect(withPlaceholder(monolithConnector(plan), undefined)).toEqual(monolithConnector(plan));
  });
});
