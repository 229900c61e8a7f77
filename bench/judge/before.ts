import type { Counted } from './traffic.ts';

const RATIOS = [1.5, 2, 4, 8, 16, 32];
const CLEAR = 1_000;
const FEWEST = 50;
const LIMIT = 0.05;

type Sums = { service: number; serviceErrors: number; monolith: number; monolithErrors: number };

/** Counts of a window that slides. */
class Sliding {
  readonly sums: Sums = { service: 0, serviceErrors: 0, monolith: 0, monolithErrors: 0 };
  readonly #length: number;
  readonly #looks: { at: number; counted: Counted }[] = [];
  #oldest = 0;

  constructor(length: number) {
    this.#length = length;
  }

  add(counted: Counted, at: number): void {
    this.#looks.push({ at, counted });
    this.#sum(counted, 1);
    while (at - this.#looks[this.#oldest]!.at > this.#length) this.#sum(this.#looks[this.#oldest++]!.counted, -1);
  }

  #sum({ service, monolith }: Counted, times: number): void {
    this.sums.service += service.requests * times;
    this.sums.serviceErrors += service.errors * times;
    this.sums.monolith += monolith.requests * times;
    this.sums.monolithErrors += monolith.errors * times;
  }
}

/**
 * The judge that this one replaced, for comparison: likelihood ratios of the errors in the last half minute and in the
 * last ten minutes, each against 1,000, as often as one looks. Its fast path for hard failures is left out.
 */
export class Before {
  readonly #windows = [new Sliding(30_000), new Sliding(600_000)];

  /** Its rule, if it would roll back now. */
  fails(counted: Counted, at: number): string | undefined {
    for (const window of this.#windows) window.add(counted, at);
    return this.#windows.some(({ sums }) => tooMany(sums)) ? 'errors' : undefined;
  }
}

function tooMany({ service, serviceErrors, monolith, monolithErrors }: Sums): boolean {
  if (service < FEWEST || serviceErrors <= LIMIT * service) return false;
  const alone = monolith < 0.05 * (monolith + service) && monolith < FEWEST;
  const share = alone ? LIMIT : service / (service + monolith);
  const others = alone ? service - serviceErrors : monolithErrors;
  if (alone && monolithErrors > LIMIT * monolith) return false;
  const mean = RATIOS.reduce((sum, ratio) => {
    const worse = (ratio * share) / (ratio * share + 1 - share);
    return sum + Math.exp(serviceErrors * Math.log(worse / share) + others * Math.log((1 - worse) / (1 - share)));
  }, 0);
  return mean / RATIOS.length >= CLEAR;
}
