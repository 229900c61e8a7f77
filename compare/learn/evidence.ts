/** How sure a rate must be known to be below a limit, one-sided. */
const CONFIDENCE = 0.95;

/** How many comparable pairs without any mismatch show that the rate is below the limit: 299 for 1 %, 2,995 for 0.1 %. */
export function pairsNeeded(limit: number): number {
  if (!(limit > 0 && limit < 1)) throw new RangeError(`a limit lies between 0 and 1, not at ${limit}`);
  return Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - limit));
}

/** Mismatches beyond which the exact bound, whose cost grows with them, and the score bound agree to a part in a thousand. */
const MANY = 1_000;
/** How many standard deviations `CONFIDENCE` is, one-sided. */
const DEVIATIONS = 1.6448536269514722;

/**
 * The greatest rate that so many mismatches among so many pairs leave possible: Clopper and Pearson’s, of very many
 * Wilson’s with correction for continuity; 1 of no pairs.
 */
export function greatestRate(mismatches: number, pairs: number): number {
  if (pairs === 0 || mismatches >= pairs) return 1;
  if (mismatches > MANY) return wilsonBound((mismatches + 0.5) / pairs, pairs);
  let [low, high] = [mismatches / pairs, 1];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (probabilityOfAtMost(mismatches, pairs, middle) > 1 - CONFIDENCE) low = middle;
    else high = middle;
  }
  return high;
}

/** Wilson 1927, upper end. */
function wilsonBound(rate: number, pairs: number): number {
  const square = DEVIATIONS ** 2;
  const spread = DEVIATIONS * Math.sqrt((rate * (1 - rate)) / pairs + square / (4 * pairs ** 2));
  return Math.min(1, (rate + square / (2 * pairs) + spread) / (1 + square / pairs));
}

/** Of a binomial distribution. */
function probabilityOfAtMost(count: number, of: number, rate: number): number {
  let logTerm = of * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= count; k++) {
    logTerm += Math.log((of - k + 1) / k) + Math.log(rate) - Math.log1p(-rate);
    sum += Math.exp(logTerm);
  }
  return sum;
}
