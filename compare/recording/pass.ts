import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { RecordedExchange, SeenReply } from './exchange.ts';
import { Tap } from './tap.ts';
import { headersIn, passedOn, type RecordedUpstream } from './upstream.ts';

/**
 * Passes the request on and the reply back, both as they come, and tells what went by, of bodies at most `cap` bytes.
 * Never throws.
 */
export function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { target, cap, read }: { readonly target: RecordedUpstream; readonly cap: number; readonly read: boolean },
): Promise<RecordedExchange> {
  const startedAt = new Date();
  const began = performance.now();
  const [sent, got] = [new Tap(cap), new Tap(cap)];
  const moments = { sent: 0, began: 0 };
  const { method = 'GET', url: path = '/' } = request;
  const headers = headersIn(request);
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
        headers: headersIn(from),
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
      const trying = target.request(method, path, forwarded(request), mayReuse);
      upstream = trying;
      trying.once('response', take);
      trying.on('error', (error: NodeJS.ErrnoException) => {
        if (finished || reply) return; // what ends a reply early is the reply's own error
        if (mayReuse && trying.reusedSocket && error.code === 'ECONNRESET') {
          send(false); // the target had closed the kept connection; nothing of this request was read there
          return;
        }
        finish(`the target gave no reply: ${error.message}`);
        refuse(response, `${target.url} gave no reply: ${error.message}`);
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
    try {
      send(read && !hasBody);
    } catch (error) {
      finish(`the request cannot be passed on: ${(error as Error).message}`);
      refuse(response, (error as Error).message);
    }
  });
}

/** The client's headers as they go on, with who it is for whoever asks behind us. */
export function forwarded(request: IncomingMessage, dropped: readonly string[] = []): string[] {
  const before = request.headers['x-forwarded-for'];
  const client = request.socket.remoteAddress ?? 'unknown';
  return [
    ...passedOn(request, ['x-forwarded-for', ...dropped]),
    'X-Forwarded-For',
    before === undefined ? client : `${before}, ${client}`,
  ];
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
