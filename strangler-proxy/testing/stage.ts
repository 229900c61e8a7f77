import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CapabilitySnapshot, type FromProxy, LINK_PATH, parsePlan } from '@strangler/plan';
import { pino } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ProxyOptions, startProxy } from '../index.ts';

export const TOKEN = 'proxy-token';

/** Stands in for control: the real messages over a real WebSocket. */
export async function startControl(port = 0) {
  const received: FromProxy[] = [];
  let wake: (() => void)[] = [];
  let link: WebSocket | undefined;
  let version = 0;
  let last: string | undefined;
  const refused: number[] = [];
  const codes: number[] = [];
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== LINK_PATH || request.headers.authorization !== `Bearer ${TOKEN}`) {
      refused.push(401);
      socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      link = accepted;
      if (last) accepted.send(last);
      accepted.on('close', (code) => codes.push(code));
      accepted.on('message', (data) => {
        received.push(JSON.parse(data.toString()) as FromProxy);
        for (const one of wake.splice(0)) one();
      });
    });
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const control = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    received,
    refused,
    /** The codes streams were closed with. */
    codes,
    /** Sends raw text down the stream. */
    send: (text: string) => link?.send(text),
    /** Waits until what was received satisfies the question, and gives its answer. */
    async hears<T>(question: (received: readonly FromProxy[]) => T | undefined | false): Promise<T> {
      for (;;) {
        const answer = question(received);
        if (answer !== undefined && answer !== false) return answer as T;
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
    /** Puts a snapshot of `orders` in force and waits for the proxy's ack. */
    async says(orders: CapabilitySnapshot, term = 1) {
      version++;
      last = JSON.stringify({ type: 'snapshot', snapshot: { term, version, capabilities: { orders } } });
      const wanted = version;
      link?.send(last);
      return control.hears((all) =>
        all.find((one) => one.type === 'ack' && one.term === term && one.version === wanted),
      ) as Promise<FromProxy & { type: 'ack' }>;
    },
    /** Ends the stream with a code and a reason, and gives whoever comes back no snapshot. */
    closeLink: (code: number, reason: string) => {
      last = undefined;
      link?.close(code, reason);
    },
    /** Breaks the stream; the proxy comes back by itself. */
    breakLink: () => link?.terminate(),
    stop: async () => {
      wake = [];
      for (const one of sockets.clients) one.terminate();
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  return control;
}

/** A real node:http upstream that remembers what it was asked. */
export async function startUpstream(name: string, listener?: RequestListener) {
  const requests: { method: string; url: string; headers: IncomingMessage['headers']; raw: string[]; body: string }[] =
    [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('error', () => {});
    request.on('end', () => {
      const { method, url, headers, rawHeaders } = request;
      requests.push({ method: method!, url: url!, headers, raw: rawHeaders, body });
      if (listener) listener(request, response);
      else response.end(JSON.stringify({ name, method, url, body }));
    });
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    server,
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Settings = {
  monolith: string;
  service: string;
  /** none: nothing is said of users. */
  split?: 'users' | 'none';
  proxy?: Record<string, unknown>;
  handoff?: Record<string, unknown>;
  user?: readonly unknown[];
  userType?: string;
  anonymous?: 'monolith' | 'refuse';
  routes?: readonly string[];
  rewrite?: Record<string, string>;
  readOnly?: string[];
  confirmed?: boolean;
  compare?: Record<string, unknown>;
  /** Addresses of both databases, in which users may be looked up. */
  databases?: { readonly monolith: string; readonly service: string };
  tables?: Record<string, unknown>;
};

export const planOf = ({
  monolith,
  service,
  proxy,
  handoff,
  split = 'users',
  user = [{ header: 'x-user' }],
  userType = 'text',
  anonymous = 'monolith',
  routes = ['ANY /api/orders', 'ANY /api/orders/**'],
  rewrite,
  readOnly,
  confirmed = false,
  compare,
  databases,
  tables = {},
}: Settings) =>
  parsePlan(
    JSON.stringify({
      version: 1,
      name: 'shop',
      monolith: { url: monolith, ...(databases && { database: databases.monolith }) },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: TOKEN } },
      proxy: { stopWithin: '2s', ...proxy },
      capabilities: {
        orders: {
          service: { url: service, rewrite: rewrite ?? {}, ...(databases && { database: databases.service }) },
          ...{ routes, tables },
          readOnly: readOnly ?? ['POST /api/orders/search', 'GET /api/orders/watch'],
          ...(split === 'none' ? { split } : { user, userType, anonymous }),
          handoff: { writeFate: '1ms', ...handoff },
          confirmed,
          ...(compare && { compare }),
        },
      },
    }),
    {},
  );

/** Every line a proxy logged. */
export type Logged = Record<string, unknown>[];

/** A proxy with a Plan, its control stand-in and two upstreams; `stop` ends them all. */
export async function stage(
  settings: Partial<Settings> & { monolithDoes?: RequestListener; serviceDoes?: RequestListener } = {},
  options: Partial<ProxyOptions> = {},
) {
  const monolith = await startUpstream('monolith', settings.monolithDoes);
  const service = await startUpstream('service', settings.serviceDoes);
  const control = await startControl();
  const logged: Logged = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const plan = planOf({ monolith: monolith.url, service: service.url, ...settings });
  const common = { listen: '127.0.0.1:0', metrics: '127.0.0.1:0', controlUrl: control.url, log };
  const proxy = await startProxy({ ...common, plan, ...options });
  return {
    ...{ monolith, service, control, proxy, logged },
    address: proxy.address,
    metricsAddress: proxy.metricsAddress!,
    stop: async () => {
      await proxy.stop();
      await Promise.all([monolith.stop(), service.stop(), control.stop()]);
    },
  };
}

/** A proxy without a Plan before one upstream at `url`. */
export async function alone(url: string, limits: Record<string, unknown> = {}) {
  const logged: Logged = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  // The limits of a Plan, and no request of its capability: what matches none needs no control.
  const plan = planOf({ monolith: url, service: url, proxy: limits });
  const proxy = await startProxy({
    plan,
    listen: '127.0.0.1:0',
    metrics: '127.0.0.1:0',
    controlUrl: 'http://127.0.0.1:1',
    log,
  });
  return { address: proxy.address, metricsAddress: proxy.metricsAddress!, logged, stop: proxy.stop };
}
