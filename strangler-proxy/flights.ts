import {
  type CapabilitySnapshot,
  type Flight,
  isPinned,
  MOST_NAMED,
  type Side,
  type Snapshot,
  subjectHolds,
} from '@strangler/plan';

/** One write of a user on its way to a side. */
export type Write = {
  readonly capability: string;
  /** Undefined: somebody’s, but nobody knows whose, so it may be of anybody who moves. */
  readonly user: string | undefined;
  readonly bucket: number;
  readonly side: Side;
};

/** A write whose body is passed on as it comes. */
export type Uploading = {
  /** True while it may be cut and its fate is known then: it has not come whole, and its side has not answered. */
  readonly mayBeCut: boolean;
  /** Cuts it once it has had its time, unless it has come whole or nothing waits for it by then. */
  cutInTime(): void;
};

/** A write of which nobody knows whether the side did it; it may still be doing it until `until` (milliseconds). */
type Unknown = { readonly write: Write; readonly until: number };

/**
 * The writes under way, and those of unknown fate. Writes of the process before this one are of unknown fate too, so
 * until `writeFate` has passed since the start everybody is.
 */
export class Flights {
  readonly #writeFate: (capability: string) => number;
  readonly #now: () => number;
  readonly #started: number;
  readonly #tell: (flight: Flight) => void;
  readonly #live = new Map<Write, Uploading | undefined>();
  /** By side, capability and user, the latest of each; the oldest first. */
  readonly #unknown = new Map<string, Unknown>();
  #snapshot: Snapshot | undefined;
  /** By capability, the writes its handoff waits for. */
  readonly #awaited = new Map<string, Set<Write>>();

  constructor(
    writeFate: (capability: string) => number,
    tell: (flight: Flight) => void,
    now: () => number = performance.now.bind(performance),
  ) {
    this.#writeFate = writeFate;
    this.#tell = tell;
    this.#now = now;
    this.#started = now();
  }

  /** True if no write is under way, and none of unknown fate is young enough to still arrive. */
  get settled(): boolean {
    const now = this.#now();
    return this.#live.size === 0 && this.#unknown.values().every(({ until }) => until <= now);
  }

  /** Notes a write as sent; one whose client is still sending it is cut rather than let it hold up a handoff. */
  begin(write: Write, uploading?: Uploading): void {
    this.#live.set(write, uploading);
  }

  /** True while a handoff waits for this write. */
  isAwaited(write: Write): boolean {
    return this.#awaited.get(write.capability)?.has(write) ?? false;
  }

  /** Notes its end: answered, or of unknown fate. Says so when a handoff waits for it and for few others. */
  end(write: Write, fateKnown: boolean): void {
    if (!this.#live.delete(write)) return;
    const { capability } = write;
    // Of anybody it would keep everybody from moving, as often as a stranger likes.
    if (!fateKnown && write.user !== undefined) this.#noteUnknown(write);
    const awaited = this.#awaited.get(capability);
    if (!awaited?.delete(write) || awaited.size > MOST_NAMED) return;
    const entry = this.#snapshot?.capabilities[capability];
    if (entry?.moving) this.#tell(this.#flight(capability, entry, entry.moving));
  }

  /** Puts a snapshot in force and says what every handoff in it still has to wait for. */
  apply(snapshot: Snapshot): Flight[] {
    this.#snapshot = snapshot;
    this.#awaited.clear();
    const flights: Flight[] = [];
    for (const [capability, entry] of Object.entries(snapshot.capabilities)) {
      if (!entry.moving) continue;
      const awaited = new Set<Write>();
      for (const [write, uploading] of this.#live) {
        if (!moves(write, capability, entry)) continue;
        awaited.add(write);
        uploading?.cutInTime();
      }
      this.#awaited.set(capability, awaited);
      flights.push(this.#flight(capability, entry, entry.moving));
    }
    return flights;
  }

  #noteUnknown(write: Write): void {
    const now = this.#now();
    for (const [key, { until }] of this.#unknown) {
      if (until > now) break;
      this.#unknown.delete(key);
    }
    const key = `${write.side} ${write.capability} ${write.user}`;
    this.#unknown.delete(key);
    this.#unknown.set(key, { write, until: now + this.#writeFate(write.capability) });
  }

  #flight(capability: string, entry: CapabilitySnapshot, { epoch }: { epoch: number }): Flight {
    const now = this.#now();
    const awaited = [...(this.#awaited.get(capability) ?? [])];
    const unknown = [...this.#unknown.values()].filter(
      ({ write, until }) => until > now && moves(write, capability, entry),
    );
    const before = this.#started + this.#writeFate(capability);
    const until = Math.max(before, unknown.at(-1)?.until ?? 0);
    return {
      ...{ capability, epoch, inFlight: awaited.length, unknownFor: Math.max(0, Math.ceil(until - now)) },
      // Uploads that will be cut are nobody’s to wait for: they must not crowd out the names of the others.
      inFlightOf: few(awaited.filter((write) => !this.#live.get(write)?.mayBeCut)),
      unknownOf: before > now ? [] : few(unknown.map(({ write }) => write)),
    };
  }
}

/** The users of these writes, unless they are more than can be named, or one may be anybody. */
function few(writes: readonly Write[]): readonly string[] {
  const users = new Set<string>();
  for (const { user } of writes) {
    if (user === undefined) return [];
    users.add(user);
  }
  return users.size > MOST_NAMED ? [] : [...users];
}

/** True if the handoff of `entry` takes this write’s user away from the side the write went to. */
export function moves(write: Write, capability: string, entry: CapabilitySnapshot): boolean {
  const { moving } = entry;
  return (
    moving !== undefined &&
    write.capability === capability &&
    write.side === moving.from &&
    (write.user === undefined || subjectHolds(moving.subject, write.user, write.bucket, isPinned(entry, write.user)))
  );
}
