import { type FromProxy, type Side, type Snapshot, sideOf } from '@strangler/plan';

/** What a user has written on a side, awaited on the other one. */
type Waiting = {
  readonly capability: string;
  readonly user: string;
  readonly bucket: number;
  readonly from: Side;
  readonly theirs: boolean;
  readonly onEnd: (confirmed: boolean) => void;
};

/** Asks control whether writes have arrived on the other side, and waits for the answers. */
export class ConfirmationRequests {
  readonly #tell: (message: FromProxy) => boolean;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(tell: (message: FromProxy) => boolean) {
    this.#tell = tell;
  }

  /**
   * True as soon as everything this user has written on their side is on the other one; false after `ms`, or when the
   * user is not that side’s any more: then nobody knows whether the other one will have it.
   */
  wait(capability: string, user: string, bucket: number, from: Side, ms: number): Promise<boolean> {
    return this.#ask({ capability, user, bucket, from, theirs: true }, ms);
  }

  /** True as soon as everything written on a side is on the other one, whoever’s the user is; false after `ms`. */
  arrived(capability: string, user: string, bucket: number, from: Side, ms: number): Promise<boolean> {
    return this.#ask({ capability, user, bucket, from, theirs: false }, ms);
  }

  #ask(asked: Omit<Waiting, 'onEnd'>, ms: number): Promise<boolean> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      const onEnd = (confirmed: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(confirmed);
      };
      const timer = setTimeout(() => onEnd(false), ms);
      const { capability, user, from, theirs } = asked;
      this.#waiting.set(id, { ...asked, onEnd });
      this.#tell({ type: 'confirm', capability, id, user, from, theirs });
    });
  }

  /** Control has seen this one arrive. */
  confirmed(id: number): void {
    this.#waiting.get(id)?.onEnd(true);
  }

  /** A rollback that takes a user away ends the wait. */
  apply({ capabilities }: Snapshot): void {
    for (const { capability, user, bucket, from, theirs, onEnd } of [...this.#waiting.values()]) {
      if (!theirs) continue;
      const entry = capabilities[capability];
      const side: Side = entry ? sideOf(entry, user, bucket) : 'monolith';
      if (side !== from) onEnd(false);
    }
  }

  /** Asks again for all of them: control, or the stream to it, is a new one. */
  repeat(): void {
    for (const [id, { capability, user, from, theirs }] of this.#waiting) {
      this.#tell({ type: 'confirm', capability, id, user, from, theirs });
    }
  }
}
