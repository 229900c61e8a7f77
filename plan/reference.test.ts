import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { planReference } from './reference.ts';
import { planJsonSchema } from './schema.ts';

test('docs/plan.md is what the schema says: npm run strangler -- schema --markdown > docs/plan.md', () => {
  expect(readFileSync(new URL('../docs/plan.md', import.meta.url), 'utf8')).toBe(planReference());
});

test('every field says what it means, and shows a value: its default, or an example', () => {
  const silent: string[] = [];
  const look = (path: string, shape: Record<string, unknown>): void => {
    for (const [name, field] of Object.entries((shape.properties ?? {}) as Record<string, Record<string, unknown>>)) {
      const at = `${path}${name}`;
      if (typeof field.description !== 'string') silent.push(`${at}: no description`);
      const variants = (field.anyOf ?? [field]) as Record<string, unknown>[];
      const hasFields = variants.some((variant) => variant.properties || variant.additionalProperties);
      const shows = [field, ...variants].some((one) => (one.default ?? one.examples ?? one.const) !== undefined);
      if (!hasFields && !shows) silent.push(`${at}: no default and no example`);
      for (const variant of variants) {
        look(`${at}.`, variant);
        if (typeof variant.additionalProperties === 'object')
          look(`${at}.*.`, variant.additionalProperties as Record<string, unknown>);
      }
    }
  };
  look('', planJsonSchema() as Record<string, unknown>);
  expect(silent).toEqual([]);
});

test('names fields, types, defaults and what each means', () => {
  const page = planReference();
  const row = (field: string) => page.split('\n').find((line) => line.startsWith(`| \`${field}\``));
  expect(row('forceAfter')).toMatch(/\| duration +\| `500ms` +\| How long an urgent rollback waits/);
  expect(row('dwell')).toMatch(/\| duration +\| `10m` +\|/);
  expect(row('steps')).toMatch(/\| list: number +\| `\[10, 25, 50, 75, 100\]` +\|/);
  expect(row('rewrite')).toMatch(/\| regular expression → text +\| none +\|.*\| `\{ "\^\/api": "" \}` +\|/);
  expect(row('version')).toMatch(/\| `1` +\| _needed_/);
  expect(page).toContain('## `capabilities.NAME.tables.TABLE`');
});
