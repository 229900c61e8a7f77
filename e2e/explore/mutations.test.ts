import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { explore } from './explore.ts';
import { MUTATIONS } from './mutations.ts';
import { sayCounterexample } from './report.ts';

jest.setTimeout(600_000); // on a machine that is busy with other things

const lines: string[] = [];
afterAll(() => {
  process.stdout.write(`rules broken once, and the shortest way it shows:\n${lines.join('\n')}\n`);
});

describe('each rule is needed: broken once, it is found out', () => {
  test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s', async (name, mutation) => {
    const { counterexample, seconds } = await explore(mutation.scenario, mutation.rules);
    expect(counterexample).toBeDefined();
    const { broken, steps } = counterexample!;
    lines.push(
      `${name.padEnd(68)}${String(steps.length).padStart(3)} steps ${seconds.toFixed(1).padStart(6)} s  ${broken}`,
    );
    expect(sayCounterexample(counterexample!)).toContain(`⇒  ${broken}`);
  });
});
