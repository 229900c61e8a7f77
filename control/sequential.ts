import type { Side } from '@strangler/plan';
import type { Outage, SideTallies, SideTally } from './tallies.ts';

/*
 * Tests that may be looked at all the time, for as long as a step lasts: e-detectors. A block is a stretch of time; each
 * test multiplies by a factor a block, and a factor has a mean of at most 1 while the service is not worse, whatever was
 * before. What was staked and multiplied since is `evidence`; a change may begin with any block, so some is staked all
 * the time. Evidence less all stakes is then a supermartingale that began at 0: it reaches 1, a false alarm, with a
 * probability of at most the sum of the stakes, however often one looks (Ville’s inequality). Stakes come from a `Purse`,
 * which is the bound: 0.1 % of days and test in the long run, 0.2 % of any single day. Fading and capping evidence only
 * make it smaller.
 *
 * Errors come in bursts: one user tries again, a database pauses for a second. So a user’s
 * errors count once in half a minute (users-apart.ts), blocks count and not requests, and however many errors a block has, it says no more than one error
 * could. What the tests assume of blocks:
 * - `WorseTest`: looking at as many requests of either side, one finds an error at the service alone at most as often, on
 *   average, as at the monolith alone, given all blocks before. That holds for equal sides at any rate of errors, also one
 *   that changes, also if both fail together, in bursts within a block. With less traffic than the monolith’s, an error of
 *   the service counts for more, as far as the monolith’s errors have come one by one until now (`odds`, an estimate).
 * - `AboveTest`, `BelowTest`: the expected share of errors of a block, given those before, is at most (at least) the limit.
 * A burst that goes on into the next block breaks this a little; `npm run bench -- judge` shows by how little.
 *
 * Sources: J. Shin, A. Ramdas, A. Rinaldo, E-detectors: A Nonparametric Framework for Sequential Change Detection, New
 * England J. Statistics in Data Science 2 (2024); I. Waudby-Smith, A. Ramdas, Estimating Means of Bounded Random Variables
 * by Betting, J. R. Stat. Soc. B 86 (2024); J. Ville, Étude critique de la notion de collectif (1939).
 */

const DAY_MS = 86_400_000;
/** What a test may lose a day; as much again it may have saved. */
export const DAILY_BUDGET = 0.001;

/** How many times worse the service may be, and which part of all that can be bet is bet; each gets the same share. */
const RATIOS = [2, 8, 32];
const BETS = [0.1, 0.3, 0.9];
/** What was learned and gathered fades over this many blocks. Evidence beyond `MOST` has faded to 1 in a third of them. */
const FADES_OVER = 600;
const KEPT = 1 - 1 / FADES_OVER;
const MOST = Math.exp(1 / 3);

/** The part of the savings that is staked: all the time; on a block with errors; on one with three more behind it. */
const ALWAYS = 1 / 500;
const ON_ERRORS = 1 / 2_000;
const ON_SURGE = 1 / 10;
const SURGE = 4;

/** How fast evidence of now fades while the service is good enough, ms: outages that come and go are of now. */
const LATELY_FADES_OVER_MS = 60_000;

/** Evidence of now is not kept beyond this: it has faded to nothing a quarter of an hour later. */
const MOST_LATELY = 1e6;

/** So many errors are taken to have come one by one before the first. */
const SINGLE = 3;
/** So many errors are expected among as many requests of the monolith as a block looks at: with more, all blocks are alike. */
const EXPECTED = 0.3;

export const share = ({ requests, errors }: SideTally): number => (requests ? errors / requests : 0);
const total = (parts: readonly number[]): number => parts.reduce((sum, part) => sum + part, 0);

/** Saves the budget of each day, and pays stakes. */
class Purse {
  #saved = DAILY_BUDGET;

  earn(milliseconds: number): void {
    this.#saved = Math.min(DAILY_BUDGET, this.#saved + (DAILY_BUDGET * milliseconds) / DAY_MS);
  }

  pay(part: number): number {
    const paid = this.#saved * part;
    this.#saved -= paid;
    return paid;
  }
}

/** Evidence for each alternative. */
class Evidence {
  #parts: readonly number[];

  constructor(first: number, alternatives: number) {
    this.#parts = Array.from({ length: alternatives }, () => first / alternatives);
  }

  get sum(): number {
    return total(this.#parts);
  }

  get parts(): readonly number[] {
    return this.#parts;
  }

  multiply(factors: readonly number[], most: number): void {
    const parts = this.#parts.map((part, at) => part * factors[at]! * KEPT);
    const sum = total(parts);
    this.#parts = sum > most ? parts.map((part) => (part / sum) * most) : parts;
  }

  /** Forgets some of what speaks for an alternative, and all that spoke against it. */
  fade(kept: number): void {
    this.#parts = this.#parts.map((part) => Math.max(1 / this.#parts.length, part * kept));
  }

  /** Adds a stake, as it has been multiplied since. */
  add(stake: number, since: readonly number[]): void {
    this.#parts = this.#parts.map((part, at) => part + stake * since[at]!);
  }
}

/** Is the service worse than the monolith? Evidence is clear from 1 on. */
export class WorseTest {
  readonly #evidence = new Evidence(0, RATIOS.length);
  readonly #purse = new Purse();
  /** What 1 would have become by the blocks in which the service was bad enough, fading in between. */
  #lately = new Evidence(1, RATIOS.length);
  /** The newest blocks, on which nothing has been staked yet: what each stake would be worth, and whether it has errors. */
  readonly #pending: { readonly worth: Evidence; readonly errors: boolean }[] = [];
  /** Of the monolith; and of its blocks with errors, how many would have one if the service’s traffic were looked at. */
  #monolith = { requests: 1_000, errors: 1 };
  #found = { any: 1, ofFew: 1 };
  /** Of the errors in the monolith’s blocks: their number, and the sum of squares of what was unexpected in it. */
  #spread = { errors: 0, squares: 0 };

  get evidence(): number {
    return this.#evidence.sum;
  }

  /** Evidence of the blocks alone in which the service was bad enough, as long as not much time lies between them. */
  get lately(): number {
    return this.#lately.sum;
  }

  /** The share of errors of the monolith until now. */
  get usual(): number {
    return share({ ...this.#monolith, hard: 0 });
  }

  /** Takes in a block with requests of both sides that took so many milliseconds; `isBad`: the service was bad enough in it. */
  take(block: SideTallies, milliseconds: number, isBad: boolean): void {
    const factors = this.#factors(block);
    this.#evidence.multiply(factors, MOST);
    if (isBad) this.#lately.multiply(factors, MOST_LATELY);
    else this.#lately.fade(Math.exp(-milliseconds / LATELY_FADES_OVER_MS));
    this.#pending.push({ worth: new Evidence(RATIOS.length, RATIOS.length), errors: hasErrors(block) });
    for (const { worth } of this.#pending) worth.multiply(factors, Number.POSITIVE_INFINITY);
    this.#purse.earn(milliseconds);
    if (this.#pending.length === SURGE) this.#stake();
  }

  /** Which side the errors are of does not matter here: so it may be decided late, and the bound still holds. */
  #stake(): void {
    const surge = this.#pending.every(({ errors }) => errors);
    const { worth, errors } = this.#pending.shift()!;
    if (!errors) return;
    const stake = this.#purse.pay(surge ? ON_SURGE : ON_ERRORS);
    this.#evidence.add(stake / RATIOS.length, worth.parts);
  }

  #factors({ service, monolith }: SideTallies): number[] {
    const many = Math.min(monolith.requests, EXPECTED / this.usual);
    const few = Math.min(service.requests, many);
    // Of the busier side fewer requests in a row are looked at, so of a burst there fewer errors: it counts as one.
    const here = anyAmong(few, service, service.requests > monolith.requests ? this.#burst() : 1);
    const there = anyAmong(many, monolith);
    const odds = this.#found.ofFew / this.#found.any;
    this.#learn(monolith, there, anyAmong(few, monolith));
    const fair = odds / (1 + odds);
    const [onlyHere, onlyThere] = [here * (1 - there), there * (1 - here)];
    return RATIOS.map((ratio) => {
      const all = ratio * fair + 1 - fair;
      return 1 + onlyHere * (ratio / all - 1) + onlyThere * (1 / all - 1);
    });
  }

  /** How many errors come together: the variance of their number over its mean, an index of dispersion; 1 if one by one. */
  #burst(): number {
    const { errors, squares } = this.#spread;
    return Math.max(1, (squares + SINGLE) / (errors + SINGLE));
  }

  #learn({ requests, errors }: SideTally, any: number, ofFew: number): void {
    const unexpected = errors - requests * this.usual;
    this.#spread = {
      errors: this.#spread.errors * KEPT + errors,
      squares: this.#spread.squares * KEPT + unexpected ** 2,
    };
    this.#monolith = {
      requests: this.#monolith.requests * KEPT + requests,
      errors: this.#monolith.errors * KEPT + errors,
    };
    this.#found = { any: this.#found.any * KEPT + any, ofFew: this.#found.ofFew * KEPT + ofFew };
  }
}

const hasErrors = ({ service, monolith }: SideTallies): boolean => service.errors + monolith.errors > 0;

/** The chance that an error is among `looked` of the requests, if so many errors always come together. */
const anyAmong = (looked: number, { requests, errors }: SideTally, burst = 1): number =>
  requests ? 1 - (1 - Math.min(1, looked / requests)) ** (errors / burst) : 0;

/** How far a share of errors, 0…1, is above a limit; from -1, and from 0 to what the limit allows. */
type Distance = (share: number) => number;
const factorsOf = (distance: Distance, tally: SideTally): number[] =>
  BETS.map((bet) => 1 + bet * distance(share(tally)));

/** Is the service’s share of errors above the limit? Evidence is clear from 1 on. */
export class AboveTest {
  readonly #evidence = new Evidence(0, BETS.length);
  readonly #purse = new Purse();
  readonly #distance: Distance;

  constructor(limit: number) {
    this.#distance = (found) => (found - limit) / Math.max(limit, 1e-6);
  }

  get evidence(): number {
    return this.#evidence.sum;
  }

  take(block: SideTally, milliseconds: number): void {
    this.#purse.earn(milliseconds);
    this.#evidence.add(this.#purse.pay(ALWAYS) / BETS.length, [1, 1, 1]);
    this.#evidence.multiply(factorsOf(this.#distance, block), MOST);
  }
}

/**
 * Is the monolith’s share of errors below the limit? Evidence is an e-value: from 1,000 on wrong in one of a thousand
 * cases in which it has just been in doubt.
 */
export class BelowTest {
  /** Beyond this it is not kept, so that one bad block is enough to doubt again, nor below that: a bad hour is made good. */
  static readonly MOST = 2_000;
  static readonly LEAST = 1e-3;
  readonly #distance: Distance;
  #parts: readonly number[] = BETS.map(() => 1 / BETS.length);

  constructor(limit: number) {
    this.#distance = (found) => (limit - found) / Math.max(1 - limit, 1e-6);
  }

  get evidence(): number {
    return total(this.#parts);
  }

  take(block: SideTally): void {
    const factors = factorsOf(this.#distance, block);
    const parts = this.#parts.map((part, at) => Math.max(BelowTest.LEAST, part * factors[at]!));
    const kept = Math.min(1, BelowTest.MOST / total(parts));
    this.#parts = parts.map((part) => part * kept);
  }
}

/** A chance beyond this is none that anybody asks about; a term of less than this share of the sum changes nothing. */
const NO_SURPRISE = 0.01;
const NEGLIGIBLE = 1e-9;

/**
 * The probability that so few of the failures of both sides, or fewer, are the monolith’s, if they hit the requests of
 * both alike: Fisher’s exact test (The Logic of Inductive Inference, J. R. Stat. Soc. 98, 1935). At least NO_SURPRISE if it
 * is more than that.
 */
export function chanceOfSoFew({ service, monolith }: Pick<Outage, Side>): number {
  const failures = service.failures + monolith.failures;
  const all = logChoose(service.requests + monolith.requests, failures);
  let chance = 0;
  // From what is there downwards: the terms soon vanish where so few are a surprise, and soon sum up where they are none.
  for (let few = monolith.failures; few >= Math.max(0, failures - service.requests); few--) {
    const term = Math.exp(logChoose(monolith.requests, few) + logChoose(service.requests, failures - few) - all);
    chance += term;
    if (chance > NO_SURPRISE || term < chance * NEGLIGIBLE) break;
  }
  return chance;
}

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/** Stirling’s series, to eight digits. */
function logFactorial(n: number): number {
  let [x, shift] = [n + 1, 0];
  while (x < 8) shift += Math.log(x++);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) - shift;
}
