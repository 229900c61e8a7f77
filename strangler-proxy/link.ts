import { once } from 'node:events';
import { type FromControl, type FromProxy, LINK_PATH, type Snapshot } from '@strangler/plan';
import { WebSocket } from 'ws';

/** Waits between attempts to reach control, in milliseconds: from the first, doubled up to the last. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 2_000;
/** How often control must show that it lives, in milliseconds; silence of twice that ends the connection. */
const HEARTBEAT = 2_000;
/** The close code of a proxy that leaves in order, and how long control may take to hear it, in milliseconds. */
const GOODBYE = 1_000;
const FAREWELL = 500;

/** The stream to control: connects, and again for ever when it breaks. */
export class Link {
  readonly #url: string;
  readonly #token: string;
  readonly #hello: FromProxy;
  readonly #onSnapshot: (snapshot: Snapshot) => FromProxy | undefined;
  readonly #onConfirmed: (id: number) => void;
  readonly #onChange: (up: boolean, reason: string) => void;
  #socket: WebSocket | undefined;
  #wait = FIRST_WAIT;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #last = '';

  constructor(
    url: string,
    token: string,
    proxy: string,
    onSnapshot: (snapshot: Snapshot) => FromProxy | undefined,
    onConfirmed: (id: number) => void,
    onChange: (up: boolean, reason: string) => void,
  ) {
    this.#url = new URL(LINK_PATH, url).href;
    this.#token = token;
    this.#hello = { type: 'hello', proxy, pid: process.pid };
    this.#onSnapshot = onSnapshot;
    this.#onConfirmed = onConfirmed;
    this.#onChange = onChange;
    this.#connect();
  }

  get up(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Sends a message; false, and it is lost, if the stream is down: control learns the same at the next hello. */
  tell(message: FromProxy): boolean {
    if (!this.up) return false;
    this.#socket!.send(JSON.stringify(message));
    return true;
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, {
      headers: { authorization: `Bearer ${this.#token}` },
      perMessageDeflate: false,
      handshakeTimeout: LONGEST_WAIT,
    });
    this.#socket = socket;
    let alive = true;
    let reason = 'closed';
    const heart = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!alive) socket.terminate();
      alive = false;
      socket.ping();
    }, HEARTBEAT);
    socket.on('pong', () => {
      alive = true;
    });
    socket.on('open', () => {
      this.#wait = FIRST_WAIT;
      this.tell(this.#hello);
      this.#tellChange(true, '');
    });
    socket.on('message', (data) => {
      alive = true;
      this.#receive(data.toString());
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => {
      clearInterval(heart);
      if (this.#stopped) return;
      this.#tellChange(false, reason);
      this.#timer = setTimeout(() => this.#connect(), this.#wait);
      this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
    });
  }

  #tellChange(up: boolean, reason: string): void {
    if (this.#last === `${up} ${reason}`) return;
    this.#last = `${up} ${reason}`;
    this.#onChange(up, reason);
  }

  #receive(text: string): void {
    const message = parse(text);
    if (message?.type === 'confirmed') this.#onConfirmed(message.id);
    if (message?.type !== 'snapshot') return;
    const ack = this.#onSnapshot(message.snapshot);
    if (ack) this.tell(ack);
  }

  /**
   * Closes the stream for good; safe to call twice. With `goodbye` control is told that no write of this process can
   * arrive any more; without, it takes the process for lost.
   */
  async stop(goodbye: boolean): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (goodbye && socket?.readyState === WebSocket.OPEN) {
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(FAREWELL) }).catch(() => {});
      socket.close(GOODBYE);
      await closed;
    }
    socket?.terminate();
  }
}

/** A message of control; undefined if it is none: then the last snapshot stays in force. */
function parse(text: string): FromControl | undefined {
  try {
    const message = JSON.parse(text) as FromControl | null;
    if (message?.type === 'confirmed') return message;
    return message?.type === 'snapshot' && typeof message.snapshot?.capabilities === 'object' ? message : undefined;
  } catch {
    return undefined;
  }
}
