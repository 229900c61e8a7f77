import { parseArgs } from 'node:util';
import { type Counterexample, explore } from './explore.ts';
import { MUTATIONS } from './mutations.ts';
import { HEAD, sayCounterexample, sayExplored } from './report.ts';
import { LARGE, WIDE } from './scenarios.ts';
import { walkAtRandom } from './walk.ts';

/*
 * Scenarios too large for the tests, seeded random walks through those too large to explore whole, and the story of
 * every broken rule.
 *   npm run explore -- [--seed N] [--steps N]
 */

const { values } = parseArgs({ options: { seed: { type: 'string' }, steps: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000_007);
const steps = Number(values.steps ?? 1_000_000);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(steps) || steps < 1) {
  process.stderr.write('--seed and --steps are whole numbers\n');
  process.exit(2);
}
const say = (line: string) => process.stdout.write(`${line}\n`);
let failed = false;

const fail = (about: string, counterexample: Counterexample | undefined) => {
  failed = true;
  say(about);
  if (counterexample) say(sayCounterexample(counterexample));
};

say(HEAD);
for (const scenario of WIDE) {
  const explored = await explore(scenario);
  say(sayExplored(scenario.name, explored));
  if (explored.counterexample) fail('BROKEN:', explored.counterexample);
}
say(`\nseed ${seed}, ${steps.toLocaleString('en')} steps: again with --seed ${seed} --steps ${steps}`);
for (const scenario of LARGE) {
  const progress = (done: number) => process.stderr.write(`\r${scenario.name}: ${done.toLocaleString('en')} steps`);
  const walked = await walkAtRandom(scenario, { seed, steps: Math.ceil(steps / LARGE.length), progress });
  process.stderr.write('\r');
  const { walks, seconds, counterexample } = walked;
  const figures = `${walked.steps.toLocaleString('en')} steps in ${walks.toLocaleString('en')} walks`;
  say(`${scenario.name}: ${figures}, ${seconds.toFixed(0)} s: ${counterexample ? 'BROKEN' : 'nothing broken'}`);
  if (counterexample) fail(`seed ${seed}, walk ${walks}:`, counterexample);
}
for (const { name, scenario, rules } of MUTATIONS) {
  const { counterexample } = await explore(scenario, rules);
  say(`\nbroken on purpose: ${name} (${scenario.name})`);
  if (counterexample) say(sayCounterexample(counterexample));
  else fail('NOT FOUND OUT', undefined);
}
process.exitCode = failed ? 1 : 0;
