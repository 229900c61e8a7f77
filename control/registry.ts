import { randomUUID } from 'node:crypto';
import type { Flight, FromProxy } from '@strangler/plan';
import type { ProxyView } from './readiness.ts';
import type { NewRecord, ProxyStore } from './store.ts';
import { SupersededError } from './stored-state.ts';

/** Before a store that failed is asked again, ms. */
const RETRY_MS = 500;

/** What happens to a proxy’s connection from outside. */
export type PeerConnection = { readonly terminate: () => void; readonly send: (text: string) => void };

/** One registered proxy. */
export type Peer = {
  readonly proxy: string;
  /** Of the process last linked. */
  pid: number | undefined;
  process: string | undefined;
  /** Undefined while it is lost. */
  stream: PeerConnection | undefined;
  /** Stored: whoever is active next knows of it. */
  stored: boolean;
  lostAt: number | undefined;
  /** Names the loss: a dismissal is about the one that was seen. */
  loss: string | undefined;
  dismissed: boolean;
  /** The writes of the process before it may arrive until then. */
  inheritsUntil: number;
  acked: number;
  flights: readonly Flight[];
};

/** What the registry works with. */
export type RegistryParts = {
  readonly store: ProxyStore;
  /** The term of this control. */
  readonly term: number;
  /** The names already stored: all of them are lost until they link. */
  readonly names: readonly string[];
  /** The longest of the Plan, ms. */
  readonly writeFate: number;
  readonly onError: (error: unknown) => void;
  /** The term is over. */
  readonly superseded: () => void;
};

/**
 * Every proxy that may be sending writes, by name: stored before it is told anything, and known until it has said
 * goodbye or an operator has dismissed it. So a proxy that cannot be reached is missed, however long it is away and
 * whichever control is active.
 */
export class Registry {
  readonly #parts: RegistryParts;
  readonly #peers = new Map<string, Peer>();
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    const lostAt = performance.now();
    for (const proxy of parts.names) {
      this.#peers.set(proxy, { ...nobody(proxy), stored: true, lostAt, loss: randomUUID() });
    }
  }

  /** Those linked now and known to the store: who may be told whom to send where. */
  *linked(): Iterable<Peer & { readonly stream: PeerConnection }> {
    for (const peer of this.#peers.values())
      if (peer.stream && peer.stored) yield peer as Peer & { stream: PeerConnection };
  }

  /** Every proxy, as handoffs and gates see it. */
  views(): readonly ProxyView[] {
    const now = performance.now();
    for (const [name, { dismissed, lostAt }] of this.#peers) {
      if (dismissed && now - lostAt! > this.#parts.writeFate) this.#peers.delete(name);
    }
    return [...this.#peers.values()].map(({ proxy, pid, lostAt, loss, dismissed, inheritsUntil, acked, flights }) => ({
      ...{ proxy, pid, lostAt, loss, dismissed, inheritsUntil, acked, flights },
    }));
  }

  /**
   * A process links under a name: the one that was lost, or its successor, which does not know the writes of the one
   * before and says so itself. Undefined while another process of that name is linked.
   */
  join(
    { proxy, pid, process = `pid ${pid}` }: FromProxy & { type: 'hello' },
    stream: PeerConnection,
  ): Peer | undefined {
    const known = this.#peers.get(proxy);
    if (known?.stream && known.process !== process) return undefined;
    known?.stream?.terminate();
    // Another process asks the store, and so the term, again: this control may have been overtaken and not know it yet.
    const stored = known?.stored === true && !known.dismissed && known.process === process;
    const isSuccessor = known !== undefined && known.process !== process;
    const inheritsUntil = isSuccessor ? performance.now() + this.#parts.writeFate : (known?.inheritsUntil ?? 0);
    const peer: Peer = { ...nobody(proxy), pid, process, stream, stored, inheritsUntil };
    this.#peers.set(proxy, peer);
    return peer;
  }

  /** Stores the name of a peer, however often it takes; false if the peer has gone meanwhile. */
  async store(peer: Peer): Promise<boolean> {
    const { store, term } = this.#parts;
    const isHere = () => this.#peers.get(peer.proxy) === peer && peer.stream !== undefined;
    if (!peer.stored) await this.#insist(isHere, () => store.register(peer.proxy, term));
    peer.stored ||= isHere();
    return isHere();
  }

  /** The stream of a peer has ended; `goodbye`: none of its writes is under way any more. */
  left(peer: Peer, goodbye: boolean): void {
    if (this.#peers.get(peer.proxy) !== peer) return;
    peer.stream = undefined;
    peer.lostAt = performance.now();
    peer.loss = randomUUID();
    if (!goodbye) return;
    // It speaks for its own writes only.
    if (performance.now() < peer.inheritsUntil) peer.dismissed = true;
    else this.#peers.delete(peer.proxy);
    const { store, term } = this.#parts;
    const isGone = () => this.#peers.get(peer.proxy)?.stream === undefined;
    void this.#insist(isGone, () => store.forget(peer.proxy, term));
  }

  /**
   * An operator says that a lost proxy does not run any more; `loss`: which one they mean, if they say. Dismissed once,
   * it may be said again. Rejects with the store’s error; then it is still missed.
   */
  async dismiss(
    proxy: string,
    loss: string | undefined,
    record: NewRecord,
  ): Promise<'dismissed' | 'linked' | 'another' | 'unknown'> {
    const peer = this.#peers.get(proxy);
    if (!peer) return 'unknown';
    if (peer.stream) return 'linked';
    if (loss !== undefined && peer.loss !== loss) return 'another';
    if (peer.dismissed) return loss === undefined ? 'unknown' : 'dismissed';
    const { store, term, superseded } = this.#parts;
    // If it links meanwhile, or after an error, behind which its name may be gone all the same, it is stored again.
    peer.stored = false;
    await this.#alone(async () => {
      if (peer.dismissed) return; // by the same words, said twice
      if (!(await store.forget(proxy, term, record))) {
        superseded();
        throw new SupersededError('another control has taken over');
      }
      peer.dismissed = true;
    });
    return 'dismissed';
  }

  /** Ends what is being stored; a goodbye heard before is tried once more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#peers.clear();
    await this.#queue;
  }

  #alone<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(task);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Does `task` when its turn comes, again and again until the store takes it or it is not `wanted` any more. */
  #insist(wanted: () => boolean, task: () => Promise<boolean>): Promise<void> {
    return this.#alone(async () => {
      while (wanted()) {
        try {
          if (!(await task())) this.#parts.superseded();
          return;
        } catch (error) {
          this.#parts.onError(error);
          if (this.#stopped) return;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    });
  }
}

const nobody = (proxy: string): Peer => ({
  proxy,
  pid: undefined,
  process: undefined,
  stream: undefined,
  stored: false,
  lostAt: undefined,
  loss: undefined,
  dismissed: false,
  inheritsUntil: 0,
  acked: 0,
  flights: [],
});
