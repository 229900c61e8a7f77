import { EXIT, Problem } from './problem.ts';

/** Reads `25`, `25%`, `12.5 %` or `0.01` as a percentage: 0…100 in steps of 0.01. Throws a Problem. */
export function readPercentage(text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,2})?)\s*%?$/.exec(text.trim());
  const percentage = match ? Number(match[1]) : Number.NaN;
  if (!(percentage <= 100)) {
    throw new Problem(
      `${JSON.stringify(text)} is no percentage: 0 to 100 in steps of 0.01, such as 25 or 12.5%`,
      EXIT.usage,
    );
  }
  return percentage;
}

/** Reads `10,25,50` as rising percentages above 0. Throws a Problem. */
export function readSteps(text: string): number[] {
  const steps = text.split(',').map(readPercentage);
  if (steps.some((step, at) => step <= (steps[at - 1] ?? 0))) {
    throw new Problem('--steps must rise and begin above 0, such as 10,25,50,100', EXIT.usage);
  }
  return steps;
}

/** 25, 12.5 or 0.01 and the sign. */
export const sayPercent = (percentage: number): string => `${Number(percentage.toFixed(2))} %`;

/** A boundary (0…10000) as a percentage of users. */
export const sayBoundary = (boundary: number): string => sayPercent(boundary / 100);
