import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { explore } from './explore.ts';
import { HEAD, sayCounterexample, sayExplored } from './report.ts';
import { CROSSED, FENCED, FORCED, GIVEN, LATE, NAMED, ORDERLY, PARTITIONED, TWO_CONTROLS } from './scenarios.ts';
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

describe('faults 84: a row that goes from one user to another is lost on neither side, wherever both of them live', () => {
  test.each(GIVEN.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('faults 86: a row of one user goes while another’s that refers to it is born: neither side has an orphan', () => {
  test.each(CROSSED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('a rollback by force puts no acknowledged write at risk that is not settled afterwards', () => {
  test.each(FORCED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('faults 79: a proxy that lives and has lost control writes to no side that an orderly handoff has left', () => {
  test.each(PARTITIONED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('faults 80: a control that was overtaken and goes on moves nobody, and tells nobody who knows of the next', () => {
  test.each(TWO_CONTROLS.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('behind a fence at both databases no write is late, except after a rollback by force', () => {
  test.each(FENCED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});

describe('a user who is named moves by name only, and one whose write is in the way holds up nobody else', () => {
  test.each(NAMED.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => holds(scenario));
});
