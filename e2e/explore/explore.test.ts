import { afterAll, describe, expect, test } from '@jest/globals';
import { explore } from './explore.ts';
import { HEAD, sayCounterexample, sayExplored } from './report.ts';
import { LATE, ORDERLY } from './scenarios.ts';
import type { Scenario } from './world.ts';

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
