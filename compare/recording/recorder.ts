import { type ClientRequest, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Redaction } from '../redact.ts';
import { Beside } from './beside.ts';
import type { Exchange, SeenReply } from './exchange.ts';
import { headersOf } from './har.ts';
import type { HarFile } from './har-file.ts';
import { isRead } from './is-read.ts';
import { Keeping } from './keeping.ts';
import { Tap } from './tap.ts';
import { MAX_HEADERS, pairs, passedOn, Upstream } from './upstream.ts';
import type { UserFrom } from './user.ts';

export interface RecorderOptions {
  readonly target: URL;
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly file: HarFile;
  readonly redaction: Redaction;
  /** Bytes of a body, as it came and decoded, beyond which only its size and hash are kept. */
  readonly cap: number;
  /** Entries and bytes of the file, beyond which requests are passed on and no longer recorded. */
  readonly most: { readonly entries: number; readonly bytes: number };
  /** Is asked what was read, too. */
  readonly beside?: URL;
  readonly asReads?: readonly string[];
  readonly user?: UserFrom;
}

/** What has happened so far. */
export interface RecorderCounts {
  /** In the file. */
  entries: number;
  /** Passed on, but not in the file: it is full, could not be written, or could not be written fast enough. */
  notRecorded: number;
  /** Bodies over the cap or unreadable, of which size and hash were kept. */
  bodiesNotKept: number;
  /** Requests that got no whole reply: the target is down, or the client went away. */
  failed: number;
  /** WebSockets and the like: passed on, never recorded. */
  upgraded: number;
  /** Reads asked of the new side, those it did not answer, and those not asked because it is too slow. */
  beside: number;
  besideFailed: number;
  besideNotAsked: number;
}

export interface Recorder {
  readonly url: string;
  readonly counts: Readonly<RecorderCounts>;
  /** Why recording has ended although requests are still passed on. */
  readonly over: string | undefined;
  /** Lets what is under way come to its end, for at most so many ms. Safe to call twice. */
  stop(grace?: number): Promise<void>;
}

/** More than this waiting to be looked through or for the disk, and entries are left out rather than kept in memory. */
const MOST_BACKLOG = 64 * 1024 * 1024;

/** Starts a reverse proxy that writes down what passes. Throws what listening throws. */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const { redaction, cap, user } = options;
  const target = new Upstream(options.target);
  const beside = options.beside && new Beside(options.beside, cap);
  const keeping = await Keeping.start({ redaction, cap, user, target: target.url, beside: beside?.url });
  const recording = new Recording(options, target, beside, keeping);
  try {
    await recording.listen();
  } catch (error) {
    await keeping.stop();
    throw error;
  }
  return recording;
}

class Recording implements Recorder {
  readonly #options: RecorderOptions;
  readonly #server: Server;
  readonly #target: Upstream;
  readonly #beside: Beside | undefined;
  readonly #keeping: Keeping;
  readonly #tunnels = new Set<Duplex>();
  /** Entries that are not in the file yet. */
  readonly #open = new Set<Promise<void>>();
  /** Entries in the file, or on their way there. */
  #begun = 0;
  #stopped: Promise<void> | undefined;
  readonly counts: RecorderCounts = {
    entries: 0,
    notRecorded: 0,
    bodiesNotKept: 0,
    failed: 0,
    upgraded: 0,
    beside: 0,
    besideFailed: 0,
    besideNotAsked: 0,
  };

  constructor(options: RecorderOptions, target: Upstream, beside: Beside | undefined, keeping: Keeping) {
    this.#options = options;
    this.#target = target;
    this.#beside = beside;
    this.#keeping = keeping;
    this.#server = createServer(
      { maxHeaderSize: MAX_HEADERS, keepAliveTimeout: 75_000, requestTimeout: 0 },
      (request, response) => {
        const done = this.#exchange(request, response).finally(() => this.#open.delete(done));
        this.#open.add(done);
      },
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(request, socket, head),
    );
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => resolve());
    });
  }

  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  get over(): string | undefined {
    const { file, most } = this.#options;
    if (file.failure) return `the file cannot be written: ${file.failure.message}`;
    if (this.#begun >= most.entries) return `the recording has ${most.entries} requests`;
    return file.size >= most.bytes ? `the recording has ${file.size} bytes` : undefined;
  }

  stop(grace = 5_000): Promise<void> {
    this.#stopped ??= this.#stop(grace);
    return this.#stopped;
  }

  async #stop(grace: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    for (const socket of this.#tunnels) socket.destroy();
    const timer = setTimeout(() => this.#server.closeAllConnections(), grace);
    await closed;
    clearTimeout(timer);
    await Promise.all(this.#open);
    this.#target.stop();
    this.#beside?.stop();
    await this.#keeping.stop();
    await this.#options.file.close();
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request;
    const read = isRead(method, path, this.#options.asReads ?? []);
    const exchange = await this.#pass(request, response, read);
    if (exchange.error !== undefined) this.counts.failed++;
    if (this.over !== undefined || this.#options.file.backlog + this.#keeping.backlog > MOST_BACKLOG) {
      this.counts.notRecorded++;
      return;
    }
    this.#begun++;
    const answered = exchange.reply !== undefined && exchange.error === undefined && exchange.reply.status !== 304;
    const beside = read && answered && this.#beside ? await this.#askBeside(exchange, request) : undefined;
    const kept = await this.#keeping.entry(exchange, beside);
    if ('why' in kept) {
      this.#begun--;
      this.counts.notRecorded++;
      return;
    }
    this.counts.bodiesNotKept += kept.bodiesNotKept;
    this.#options.file.append(kept.line);
    this.counts.entries++;
  }

  async #askBeside(exchange: Exchange, request: IncomingMessage) {
    const beside = await this.#beside!.ask(exchange, this.#forwarded(request, ['transfer-encoding', 'content-length']));
    if (!beside) this.counts.besideNotAsked++;
    else if (beside.reply) this.counts.beside++;
    else this.counts.besideFailed++;
    return beside;
  }

  /** Passes the request on and the reply back, both as they come, and tells what went by. Never throws. */
  #pass(request: IncomingMessage, response: ServerResponse, read: boolean): Promise<Exchange> {
    const startedAt = new Date();
    const began = performance.now();
    const [sent, got] = [new Tap(this.#options.cap), new Tap(this.#options.cap)];
    const moments = { sent: 0, began: 0 };
    const { method = 'GET', url: path = '/' } = request;
    const headers = headersOf(pairs(request.rawHeaders).map(([name, value]) => ({ name, value })));
    request.on('data', (chunk) => sent.add(chunk));
    request.once('end', () => {
      moments.sent = performance.now() - began;
    });
    return new Promise((resolve) => {
      let reply: Omit<SeenReply, 'body'> | undefined;
      let upstream: ClientRequest | undefined;
      let incoming: IncomingMessage | undefined;
      let finished = false;
      const finish = (error?: string) => {
        if (finished) return;
        finished = true;
        const ended = performance.now() - began;
        resolve({
          startedAt,
          method,
          path,
          httpVersion: `HTTP/${request.httpVersion}`,
          headers,
          body: sent.end(),
          reply: reply && { ...reply, body: got.end() },
          ...(error !== undefined && { error }),
          sent: moments.sent,
          began: moments.began || ended,
          ended,
        });
      };
      const take = (from: IncomingMessage) => {
        incoming = from;
        moments.began = performance.now() - began;
        reply = {
          status: from.statusCode!,
          statusText: from.statusMessage ?? '',
          headers: headersOf(pairs(from.rawHeaders).map(([name, value]) => ({ name, value }))),
        };
        response.sendDate = false;
        response.writeHead(reply.status, reply.statusText, passedOn(from, ['transfer-encoding']));
        from.on('data', (chunk) => {
          if (!finished) got.add(chunk);
        });
        from.once('end', () => finish());
        from.once('error', (error) => {
          finish(`the target broke off its reply: ${error.message}`);
          response.destroy();
        });
        from.pipe(response);
      };
      const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
      const send = (mayReuse: boolean) => {
        const trying = this.#target.request(method, path, this.#forwarded(request), mayReuse);
        upstream = trying;
        trying.once('response', take);
        trying.on('error', (error: NodeJS.ErrnoException) => {
          if (finished || reply) return; // what ends a reply early is the reply's own error
          if (mayReuse && trying.reusedSocket && error.code === 'ECONNRESET') {
            send(false); // the target had closed the kept connection; nothing of this request was read there
            return;
          }
          finish(`the target gave no reply: ${error.message}`);
          refuse(response, `${this.#target.url} gave no reply: ${error.message}`);
        });
        if (hasBody) request.pipe(trying);
        else trying.end();
      };
      response.once('close', () => {
        if (response.writableFinished) return;
        finish('the client went away');
        // A write that was sent is let run: nobody could say what became of it.
        if (read || !request.complete) upstream?.destroy();
        else incoming?.unpipe(response).resume();
      });
      if (!hasBody) request.resume();
      send(read && !hasBody);
    });
  }

  /** The client's headers as they go on, with who it is for whoever asks behind us. */
  #forwarded(request: IncomingMessage, dropped: readonly string[] = []): string[] {
    const before = request.headers['x-forwarded-for'];
    const client = request.socket.remoteAddress ?? 'unknown';
    return [
      ...passedOn(request, ['x-forwarded-for', ...dropped]),
      'X-Forwarded-For',
      before === undefined ? client : `${before}, ${client}`,
    ];
  }

  #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.counts.upgraded++;
    const { method = 'GET', url: path = '/' } = request;
    const raw = [...this.#forwarded(request), 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
    const upstream = this.#target.request(method, path, raw, false);
    const both = (other: Duplex) => {
      for (const end of [socket, other]) {
        this.#tunnels.add(end);
        end.once('close', () => this.#tunnels.delete(end));
        end.on('error', () => undefined); // its 'close' follows and ends the other
      }
      socket.once('close', () => other.destroy());
      other.once('close', () => socket.destroy());
    };
    const answer = (reply: IncomingMessage, headers: readonly string[]) => {
      const lines = pairs(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${reply.statusCode} ${reply.statusMessage}\r\n${lines.join('')}\r\n`);
    };
    socket.on('error', () => upstream.destroy());
    upstream.once('upgrade', (reply, other: Socket, first: Buffer) => {
      both(other);
      answer(reply, reply.rawHeaders);
      socket.write(first);
      other.write(head);
      socket.pipe(other).pipe(socket);
    });
    upstream.once('response', (reply) => {
      answer(reply, [...passedOn(reply, ['transfer-encoding']), 'Connection', 'close']);
      reply.pipe(socket);
    });
    upstream.once('error', () => socket.destroy());
    upstream.end();
  }
}

/** What a client gets if the target says nothing. */
function refuse(response: ServerResponse, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(502, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ error: { code: 'TARGET_UNREACHABLE', message } }));
}
