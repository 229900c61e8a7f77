import type { Counterexample, Explored } from './explore.ts';

/** One line of figures. */
export function sayExplored(name: string, { states, transitions, depth, seconds }: Explored): string {
  const figures = [states, transitions, depth].map((figure) => figure.toLocaleString('en').padStart(9));
  return `${name.padEnd(38)}${figures.join('')}${seconds.toFixed(1).padStart(8)}`;
}

/** The head of those lines. */
export const HEAD = `${'scenario'.padEnd(38)}   states  transit.    depth seconds`;

/** A counterexample as a story: what happened, step by step, and what that broke. */
export const sayCounterexample = ({ broken, steps }: Counterexample): string =>
  [...steps.map((label, at) => `${String(at + 1).padStart(3)}  ${label}`), `  ⇒  ${broken}`].join('\n');
