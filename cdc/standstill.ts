/** How far a stream has come in its source’s topic. */
export type TopicPlace = {
  /** Of the first message that is not done with. */
  readonly offset: bigint;
  /** Rows of a large transaction gone through since. */
  readonly rows: number;
};

/** A stream that has not come further for so long, while its source has, stands still, ms. */
const STANDSTILL_MS = 30_000;

/**
 * Tells a stream that stands still from one that has nothing to do: its source’s tick rises at least once a second while
 * that database lives, and is a message like any other.
 */
export class Standstill {
  #furthest: TopicPlace | undefined;
  #since: number;
  /** The source’s tick when the stream last came further. */
  #tick: number | undefined;
  #ms = 0;

  /** `now` in ms, by any clock that does not jump. */
  constructor(now: number) {
    this.#since = now;
  }

  /** How long the stream has stood still, ms; 0 while it does not, or not long enough to say so. */
  get ms(): number {
    return this.#ms >= STANDSTILL_MS ? this.#ms : 0;
  }

  /** Somebody has put the stream elsewhere, `now`: how far it had come says nothing any more. */
  startOver(now: number): void {
    this.#furthest = undefined;
    this.#since = now;
    this.#tick = undefined;
    this.#ms = 0;
  }

  /** Takes in where the stream is, if it reads, and the source’s tick, if it can be read. */
  look(place: TopicPlace | undefined, tick: number | undefined, now: number): void {
    if (place && isFurther(place, this.#furthest)) {
      this.#furthest = place;
      this.#since = now;
      this.#tick = undefined;
    }
    this.#tick ??= tick;
    if (tick === undefined) return; // a source that is away goes nowhere: as before
    this.#ms = tick > this.#tick! ? now - this.#since : 0;
  }
}

const isFurther = (a: TopicPlace, b: TopicPlace | undefined): boolean =>
  !b || a.offset > b.offset || (a.offset === b.offset && a.rows > b.rows);
