/** The chance of at most `wrong` of `all`, each with the probability `each`. */
function atMost(wrong: number, all: number, each: number): number {
  let [term, sum] = [(1 - each) ** all, 0];
  for (let count = 0; count <= wrong; count++) {
    sum += term;
    term *= ((all - count) / (count + 1)) * (each / (1 - each));
  }
  return sum;
}

/**
 * The largest probability that `wrong` of `all` do not rule out with 95 % certainty: C. Clopper, E. Pearson, The Use of
 * Confidence or Fiducial Limits, Biometrika 26 (1934), upper side. 1 of none.
 */
export function upperBound(wrong: number, all: number): number {
  if (wrong >= all) return 1;
  let [low, high] = [wrong / all, 1];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (atMost(wrong, all, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}
