import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Redaction } from '../redact/redaction.ts';
import { CandidateReplies } from './candidate-replies.ts';
import type { RecordedExchange } from './exchange.ts';
import type { HarFile } from './har-file.ts';
import { isRead } from './is-read.ts';
import { forwarded, pass } from './pass.ts';
import { RedactionWorker } from './redaction-worker.ts';
import { Tunnels } from './tunnels.ts';
import { MAX_HEADERS_BYTES, RecordedUpstream } from './upstream.ts';
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
  readonly candidate?: URL;
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
  /** Reads asked of the candidate, those it did not answer, and those not asked because it is too slow. */
  candidate: number;
  candidateFailed: number;
  candidateNotAsked: number;
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
const MOST_BACKLOG_BYTES = 64 * 1024 * 1024;

/** Starts a reverse proxy that writes down what passes. Throws what listening throws. */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const { redaction, cap, user } = options;
  const target = new RecordedUpstream(options.target);
  const candidate = options.candidate && new CandidateReplies(options.candidate, cap);
  const keeping = await RedactionWorker.start({ redaction, cap, user, target: target.url, candidate: candidate?.url });
  const recording = new Recording(options, target, candidate, keeping);
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
  readonly #target: RecordedUpstream;
  readonly #candidate: CandidateReplies | undefined;
  readonly #keeping: RedactionWorker;
  readonly #tunnels: Tunnels;
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
    candidate: 0,
    candidateFailed: 0,
    candidateNotAsked: 0,
  };

  constructor(
    options: RecorderOptions,
    target: RecordedUpstream,
    candidate: CandidateReplies | undefined,
    keeping: RedactionWorker,
  ) {
    this.#options = options;
    this.#target = target;
    this.#candidate = candidate;
    this.#keeping = keeping;
    this.#tunnels = new Tunnels(target);
    this.#server = createServer(
      { maxHeaderSize: MAX_HEADERS_BYTES, keepAliveTimeout: 75_000, requestTimeout: 0 },
      (request, response) => {
        const done = this.#exchange(request, response).finally(() => this.#open.delete(done));
        this.#open.add(done);
      },
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.counts.upgraded++;
      this.#tunnels.open(request, socket, head);
    });
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
    this.#tunnels.stop();
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      this.#candidate?.stop();
    }, grace);
    await closed;
    await Promise.all(this.#open);
    clearTimeout(timer);
    this.#candidate?.stop();
    this.#target.stop();
    await this.#keeping.stop();
    await this.#options.file.close();
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request;
    const read = isRead(method, path, this.#options.asReads ?? []);
    const exchange = await pass(request, response, { target: this.#target, cap: this.#options.cap, read });
    if (exchange.error !== undefined) this.counts.failed++;
    if (this.over !== undefined || this.#options.file.backlog + this.#keeping.backlog > MOST_BACKLOG_BYTES) {
      this.counts.notRecorded++;
      return;
    }
    this.#begun++;
    const answered = exchange.reply !== undefined && exchange.error === undefined && exchange.reply.status !== 304;
    const candidate = read && answered && this.#candidate ? await this.#askCandidate(exchange, request) : undefined;
    const kept = await this.#keeping.entry(exchange, candidate);
    if ('why' in kept) {
      this.#begun--;
      this.counts.notRecorded++;
      return;
    }
    this.counts.bodiesNotKept += kept.bodiesNotKept;
    this.#options.file.append(kept.line);
    this.counts.entries++;
  }

  async #askCandidate(exchange: RecordedExchange, request: IncomingMessage) {
    const candidate = await this.#candidate!.ask(exchange, forwarded(request, ['transfer-encoding', 'content-length']));
    if (!candidate) this.counts.candidateNotAsked++;
    else if (candidate.reply) this.counts.candidate++;
    else this.counts.candidateFailed++;
    return candidate;
  }
}
