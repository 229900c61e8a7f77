import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ApplierAheadError } from './apply/apply-steps.ts';
import { FatalStreamError } from './fatal-stream-error.ts';

/** About one row: it is kept aside, and others go on. */
const ABOUT_A_ROW = ['UnstorableError'];

test('what is wrong with a log or a mapping stops its stream: no error of theirs is retried for ever by mistake', async () => {
  const passing: string[] = [];
  const fatal: string[] = [];
  for (const room of ['log', 'mapping']) {
    const folder = join(import.meta.dirname, room);
    for (const file of readdirSync(folder).filter((name) => !name.endsWith('.test.ts'))) {
      for (const [name, value] of Object.entries<unknown>(await import(join(folder, file)))) {
        if (typeof value !== 'function' || !(value.prototype instanceof Error)) continue;
        (value.prototype instanceof FatalStreamError ? fatal : passing).push(name);
      }
    }
  }
  expect(passing).toEqual(ABOUT_A_ROW);
  expect(fatal).toHaveLength(8);
  expect(ApplierAheadError.prototype).toBeInstanceOf(FatalStreamError);
});
