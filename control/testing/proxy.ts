import { type Counts, type Flight, type FromControl, type FromProxy, LINK_PATH, type Snapshot } from '@strangler/plan';
import { WebSocket } from 'ws';
import { Notify } from '../notify.ts';

/** A handoff with none of this proxy’s writes in its way. */
export const quiet = (capability: string, epoch: number): Flight => ({
  ...{ capability, epoch, inFlight: 0, unknownFor: 0, inFlightOf: [], unknownOf: [] },
});

/** A proxy as control sees it: a real stream, whose answers a test decides. */
export class TestProxy {
  readonly changed = new Notify();
  readonly snapshots: Snapshot[] = [];
  readonly confirmed: number[] = [];
  /** For how long it was asked to tell of its writes, ms. */
  readonly surveying: number[] = [];
  closed: number | undefined;
  /** False: it receives snapshots and says nothing. */
  acknowledges = true;
  /** What it says of the writes of a handoff. */
  flight: (flight: Flight) => Flight = (flight) => flight;
  readonly #socket: WebSocket;

  constructor(address: string, token: string, hello: { proxy: string; pid: number; process?: string }) {
    this.#socket = new WebSocket(address.replace('http', 'ws') + LINK_PATH, {
      headers: { authorization: `Bearer ${token}` },
    });
    this.#socket.on('open', () => this.say({ type: 'hello', process: `${hello.proxy} ${hello.pid}`, ...hello }));
    this.#socket.on('message', (data) => this.#hear(JSON.parse(String(data)) as FromControl));
    this.#socket.on('error', () => {});
    this.#socket.on('close', (code) => {
      this.closed = code;
      this.changed.wake();
    });
  }

  say(message: FromProxy): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** Sends bytes that are no message. */
  babble(text: string): void {
    this.#socket.send(text);
  }

  count(counts: Partial<Counts> & Pick<Counts, 'capability' | 'side'>): void {
    const none = { requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 0, writers: [] };
    this.say({ type: 'counts', counts: [{ ...none, ...counts }] });
  }

  get latest(): Snapshot | undefined {
    return this.snapshots.at(-1);
  }

  /** Resolves when the condition holds of what it has heard; throws after 30 s. */
  async until(what: string, holds: () => boolean): Promise<void> {
    if (!(await this.changed.until(holds, 30_000))) throw new Error(`waited in vain: ${what}`);
  }

  /** Leaves as a process that is killed does (1006), or with a code. */
  leave(code?: number): void {
    if (code) this.#socket.close(code);
    else this.#socket.terminate();
  }

  #hear(message: FromControl): void {
    if (message.type === 'confirmed') {
      this.confirmed.push(message.id);
      this.changed.wake();
      return;
    }
    if (message.type === 'survey') {
      this.surveying.push(message.for);
      this.changed.wake();
      return;
    }
    const { snapshot } = message;
    this.snapshots.push(snapshot);
    if (this.acknowledges) {
      const flights = Object.entries(snapshot.capabilities).flatMap(([capability, { moving }]) =>
        moving ? [this.flight(quiet(capability, moving.epoch))] : [],
      );
      this.say({ type: 'ack', term: snapshot.term, version: snapshot.version, flights });
    }
    this.changed.wake();
  }
}
