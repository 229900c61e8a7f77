/*
 * Tests that may be looked at all the time. Each gives an e-value: how much better the errors fit "the service is worse"
 * than "it is not". Under "it is not" such a likelihood ratio exceeds x at any moment with a probability of at most 1/x
 * (Ville’s inequality), so looking ten times a second does no harm. The alternatives are mixed with equal weights.
 * Sources: A. Wald, Sequential Tests of Statistical Hypotheses, Ann. Math. Stat. 16 (1945); H. Robbins, Statistical
 * Methods Related to the Law of the Iterated Logarithm, Ann. Math. Stat. 41 (1970), for mixtures; J. Przyborowski and
 * H. Wilenski, Homogeneity of Results in Testing Samples from Poisson Series, Biometrika 31 (1940), for comparing two
 * rates by the binomial distribution of one count given the sum; M. Kulldorff et al., A Maximized Sequential
 * Probability Ratio Test for Drug and Vaccine Safety Surveillance, Sequential Analysis 30 (2011), for doing both at once.
 */

/** How many times worse the service may be. */
const RATIOS = [1.5, 2, 4, 8, 16, 32];

/**
 * Evidence that the service’s error rate is above the monolith’s. Given an error, it is the service’s with the
 * probability of its share of requests, if both are equal; exact also when the monolith has no errors at all.
 */
export function worseThan(
  service: { readonly requests: number; readonly errors: number },
  monolith: { readonly requests: number; readonly errors: number },
): number {
  const share = service.requests / (service.requests + monolith.requests);
  if (!(share > 0 && share < 1)) return 0;
  return mixture(RATIOS, (ratio) => {
    const worse = (ratio * share) / (ratio * share + 1 - share);
    return service.errors * Math.log(worse / share) + monolith.errors * Math.log((1 - worse) / (1 - share));
  });
}

/** Evidence that the service’s error rate is above `limit`, a fraction of one. */
export function above({ requests, errors }: { requests: number; errors: number }, limit: number): number {
  if (limit <= 0) return errors ? Number.POSITIVE_INFINITY : 0;
  if (limit >= 1) return 0;
  return mixture(RATIOS, (ratio) => {
    const worse = (ratio * limit) / (ratio * limit + 1 - limit);
    return errors * Math.log(worse / limit) + (requests - errors) * Math.log((1 - worse) / (1 - limit));
  });
}

const mixture = (ratios: readonly number[], logLikelihood: (ratio: number) => number): number =>
  ratios.reduce((sum, ratio) => sum + Math.exp(Math.min(700, logLikelihood(ratio))), 0) / ratios.length;
