import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  type FromControl,
  type FromProxy,
  GOODBYE_CODE,
  LINK_PATH,
  NAME_TAKEN_CODE,
  type Snapshot,
} from '@strangler/plan';
import { WebSocket } from 'ws';

/** Waits between attempts to reach control, in milliseconds: from the first, doubled up to the last. */
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;
/** How often control must show that it lives, in milliseconds; silence of twice that ends the connection. */
const HEARTBEAT_MS = 2_000;
/** How long control may take to hear a goodbye, in milliseconds. */
const FAREWELL_MS = 500;

/** The stream to control: connects, and again for ever when it breaks. */
export class ControlLink {
  readonly #url: string;
  readonly #token: string;
  readonly #hello: FromProxy;
  readonly #onSnapshot: (snapshot: Snapshot) => FromProxy | undefined;
  readonly #onConfirmed: (id: number) => void;
  readonly #onSurvey: (milliseconds: number) => void;
  readonly #onReplaced: () => void;
  readonly #onChange: (up: boolean, reason: string) => void;
  #socket: WebSocket | undefined;
  #wait = FIRST_BACKOFF_MS;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #last = '';
  /** A snapshot of a control that is not overtaken has come on this connection. */
  #following = false;
  #heardAt = performance.now();

  constructor(
    url: string,
    token: string,
    proxy: string,
    onSnapshot: (snapshot: Snapshot) => FromProxy | undefined,
    onConfirmed: (id: number) => void,
    onSurvey: (milliseconds: number) => void,
    onReplaced: () => void,
    onChange: (up: boolean, reason: string) => void,
  ) {
    this.#url = new URL(LINK_PATH, url).href;
    this.#token = token;
    this.#hello = { type: 'hello', proxy, pid: process.pid, process: randomUUID() };
    this.#onSnapshot = onSnapshot;
    this.#onConfirmed = onConfirmed;
    this.#onSurvey = onSurvey;
    this.#onReplaced = onReplaced;
    this.#onChange = onChange;
    this.#connect();
  }

  get up(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Milliseconds since the last word of the control that is followed, while there is none; 0 while there is one. */
  get blindFor(): number {
    return this.up && this.#following ? 0 : performance.now() - this.#heardAt;
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
      handshakeTimeout: LONGEST_BACKOFF_MS,
    });
    this.#socket = socket;
    let alive = true;
    let reason = 'closed';
    this.#following = false;
    const heard = () => {
      alive = true;
      if (this.#following) this.#heardAt = performance.now();
    };
    const heart = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!alive) socket.terminate();
      alive = false;
      socket.ping();
    }, HEARTBEAT_MS);
    socket.on('pong', heard);
    socket.on('open', () => {
      this.#wait = FIRST_BACKOFF_MS;
      this.tell(this.#hello);
      this.#tellChange(true, '');
    });
    socket.on('message', (data) => {
      if (!this.#receive(data.toString())) {
        reason = 'this control has been overtaken by another: its snapshot is older than the one in force';
        socket.terminate();
      }
      heard();
    });
    socket.on('ping', heard);
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', (code, why) => {
      clearInterval(heart);
      if (why.length) reason = why.toString();
      if (code === NAME_TAKEN_CODE) this.#onReplaced();
      if (this.#stopped) return;
      this.#tellChange(false, reason);
      this.#timer = setTimeout(() => this.#connect(), this.#wait);
      this.#wait = Math.min(LONGEST_BACKOFF_MS, this.#wait * 2);
    });
  }

  #tellChange(up: boolean, reason: string): void {
    if (this.#last === `${up} ${reason}`) return;
    this.#last = `${up} ${reason}`;
    this.#onChange(up, reason);
  }

  /** False if the message shows that its sender is not to be followed. */
  #receive(text: string): boolean {
    const message = parse(text);
    if (message?.type === 'confirmed') this.#onConfirmed(message.id);
    if (message?.type === 'survey') this.#onSurvey(message.for);
    if (message?.type !== 'snapshot') return true;
    const ack = this.#onSnapshot(message.snapshot);
    if (!ack) return false;
    this.#following = true;
    this.tell(ack);
    return true;
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
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(FAREWELL_MS) }).catch(() => {});
      socket.close(GOODBYE_CODE);
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
    if (message?.type === 'survey') return Number.isFinite(message.for) ? message : undefined;
    if (message?.type !== 'snapshot') return undefined;
    const { term, version, capabilities } = message.snapshot ?? {};
    const isWhole = Number.isFinite(term) && Number.isFinite(version);
    return isWhole && typeof capabilities === 'object' && capabilities !== null ? message : undefined;
  } catch {
    return undefined;
  }
}
