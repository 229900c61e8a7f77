import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { explore } from './explore.ts';
import { HEAD, sayCounterexample, sayExplored } from './report.ts';
import { FORCED, LATE, ORDERLY } from './scenarios.ts';
import type { Scenario } from './world.ts';

jest.setTimeout(600_000); // on a machine that is busy with other things

const lines: string[] = [HEAD];
afterAll(() => {
  process.stdout.write(`${lines.join('\n')}\n`);
});

async function holds(scenario: Scenario): Promise<void> {
  const explored = await explore(scenario);
  lines.push(sayExplored(scenario.name, explored));
  const { counterexample, settled } = explored;
  expect(counterexample && sayCounterexample(counterexample)).toBeUndefined();
  expect(settled).toBeGreaterThan(0);
}

describe('whatever the order of events, an orderly handoff loses, doubles and doubts nothing', () => {
  test.each(ORDERLY.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('writes that turn up where their user no longer is end on both sides alike, or in quarantine', () => {
  test.each(LATE.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('a rollback by force puts no acknowledged write at risk that is not settled afterwards', () => {
  test.each(FORCED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});
