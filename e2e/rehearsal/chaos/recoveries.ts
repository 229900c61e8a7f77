import type { Status } from '@strangler/plan';

/** One kill and what became of it. Times are Unix milliseconds. */
export type Wound = {
  readonly victim: string;
  /** Share of the purchases acknowledged then, 0…1. */
  readonly share: number;
  readonly at: number;
  /** It was not us: the process ended because it wanted to. */
  readonly byItself: boolean;
  /** When it was started again and answered. */
  back?: number;
  /** Since when the sync is in time again: every stream’s lag below a second, and the customers’ purchases with it. */
  inTimeSince?: number;
  /** The same, once it has lasted. */
  healed?: number;
};

/** A second: what is behind by less is in time. */
const IN_TIME_MS = 1_000;
/** In time for as long as this, or it was only that nobody had noticed yet. */
const LASTS_MS = 3_000;

/** How far behind the sync is, in three independent ways. */
export type Pulse = {
  readonly now: number;
  /** What control last said, and when that arrived. */
  readonly status: Status | undefined;
  readonly heardAt: number;
  /** How long the oldest acknowledged purchase has waited for the other database, in milliseconds. */
  readonly waiting: number;
  /** When the newest purchase that is in both databases was acknowledged. */
  readonly newestFound: number;
  /** Whether customers still buy. */
  readonly buying: boolean;
};

/** The longest lag of all streams in milliseconds; infinite if any is not known. */
export const lagOf = (status: Status): number =>
  Math.max(
    0,
    ...status.capabilities.flatMap(({ streams }) => streams.map(({ lag }) => lag ?? Number.POSITIVE_INFINITY)),
  );

/**
 * True while nothing is felt of a wound: control has said since that every stream is in time, no purchase has waited for
 * longer than a second, and, as long as customers buy, one they made since is in both databases.
 */
export function isInTime({ back }: Wound, { status, heardAt, waiting, newestFound, buying }: Pulse): boolean {
  if (back === undefined || !status || heardAt < back) return false;
  const everybody = status.capabilities.length > 0 && lagOf(status) < IN_TIME_MS;
  return everybody && waiting < IN_TIME_MS && (newestFound > back || !buying);
}

/** Every wound of a run, in order. */
export class Recoveries {
  readonly all: Wound[] = [];

  /** Notes that a victim has died. */
  open(victim: string, share: number, byItself = false): Wound {
    const wound: Wound = { victim, share, at: Date.now(), byItself };
    this.all.push(wound);
    return wound;
  }

  /** True while it has not come back. */
  isDown(victim: string): boolean {
    return this.all.some((wound) => wound.victim === victim && wound.back === undefined);
  }

  /** Those that have not healed yet. */
  get bleeding(): readonly Wound[] {
    return this.all.filter(({ healed }) => healed === undefined);
  }

  /** Closes what has healed: what has been in time for a while, from when that began. Gives it. */
  tend(pulse: Pulse): Wound[] {
    const healed: Wound[] = [];
    for (const wound of this.bleeding) {
      if (!isInTime(wound, pulse)) delete wound.inTimeSince;
      else wound.inTimeSince ??= pulse.now;
      if (wound.inTimeSince === undefined || pulse.now - wound.inTimeSince < LASTS_MS) continue;
      wound.healed = wound.inTimeSince;
      healed.push(wound);
    }
    return healed;
  }
}
