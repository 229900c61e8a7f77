import { describe, expect, test } from '@jest/globals';
import { CATALOGUE } from './index.ts';

describe('the catalogue of faults', () => {
  test('has at least thirty, each with a name of its own and a line of faults.md', () => {
    expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(CATALOGUE.length);
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(30);
    for (const { lines } of CATALOGUE) expect(lines.length).toBeGreaterThan(0);
  });
});
