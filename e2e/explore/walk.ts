import { chanceOf } from '../chance.ts';
import { type Counterexample, Explorer } from './explore.ts';
import { PRODUCTION, type Rules } from './rules.ts';
import type { Scenario } from './world.ts';

/** What random walks came to. */
export type RandomWalks = {
  readonly steps: number;
  readonly walks: number;
  readonly seconds: number;
  readonly counterexample: Counterexample | undefined;
};

/** How many walks share what has been worked out; then memory is given back. */
const TOGETHER = 100;

/** Walks through a scenario at random, each walk to its end, until so many steps are done or something breaks. */
export async function walkAtRandom(
  scenario: Scenario,
  {
    seed,
    steps,
    progress,
  }: { readonly seed: number; readonly steps: number; readonly progress: (done: number) => void },
  rules: Rules = PRODUCTION,
): Promise<RandomWalks> {
  const began = performance.now();
  const chance = chanceOf(seed, scenario.name);
  let explorer = new Explorer(scenario, rules);
  let first = await explorer.beginning();
  let [done, walks] = [0, 0];
  const ended = (counterexample?: Counterexample): RandomWalks => {
    return { steps: done, walks, seconds: (performance.now() - began) / 1_000, counterexample };
  };
  while (done < steps) {
    walks++;
    if (walks % TOGETHER === 0) {
      explorer = new Explorer(scenario, rules);
      first = await explorer.beginning();
    }
    const labels: string[] = [];
    for (let world = first; ; ) {
      const key = explorer.key(world);
      const possible = (await explorer.steps(world)).filter(({ next, stops }) => stops || explorer.key(next) !== key);
      const step = possible[chance.below(possible.length)];
      if (!step) {
        const broken = explorer.stuck(world);
        if (broken) return ended({ broken, steps: labels });
        break;
      }
      labels.push(step.label);
      const broken = explorer.broken(world, step);
      if (broken) return ended({ broken, steps: labels });
      world = step.next;
      if (++done % 10_000 === 0) progress(done);
    }
  }
  return ended();
}
