import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FlagStore } from '@strangler/flags';
import type { Plan, Status } from '@strangler/plan';
import type { Logger } from 'pino';
import { type Active, activate } from './active.ts';
import { adminApi } from './admin.ts';
import { roleOf } from './auth.ts';
import { openStore } from './databases.ts';
import { isLink } from './link.ts';
import { openMeters } from './metrics.ts';

/** What control needs; the flag store stays the caller’s to stop. */
export type ControlOptions = { readonly plan: Plan; readonly flags: FlagStore; readonly log: Logger };

/** A running control. */
export type Control = {
  /** `http://HOST:PORT` of the admin API and the proxies’ stream. */
  readonly address: string;
  /** Finishes or cancels the handoff under way, gives the lease back, closes. Safe to call twice. */
  readonly stop: () => Promise<void>;
};

const LEASE = 5_000;
const RENEW = 1_000;
const START_WITHIN = 30_000;

/**
 * Starts a control: the active one if the lease is free, else a standby that takes over when it becomes free. Rejects
 * when the port is taken, the tables are missing, or the database stays away for 30 s.
 */
export async function startControl({ plan, flags, log }: ControlOptions): Promise<Control> {
  const life = randomUUID();
  const since = new Date().toISOString();
  const { store, close } = await openStore(plan);
  const meters = openMeters();
  let active: Active | undefined;
  let stopped: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const stepDown = async (why: string) => {
    const former = active;
    active = undefined;
    if (!former) return;
    log.warn({ why }, 'this control is a standby now');
    await former.stop();
  };

  /** Takes or renews the lease, and becomes what it says. */
  const attend = async () => {
    const mine = await store.lease(life, LEASE);
    if (!mine) return stepDown('another control holds the lease');
    if (active || stopped) return;
    const superseded = (error: Error) => void stepDown(error.message);
    active = await activate({ plan, store, flags, meters, log, superseded });
    log.info({ life }, 'this control is active');
  };
  const attendAgain = () => {
    if (stopped) return;
    timer = setTimeout(async () => {
      await attend().catch((error: unknown) => log.error({ err: error }, 'the lease could not be renewed'));
      attendAgain();
    }, RENEW);
  };

  const status = (): Status => ({
    plan: plan.name,
    control: { life, since, active: active !== undefined },
    proxies: (active?.link.views() ?? []).map(({ proxy, pid, lostAt }) => ({
      ...{ proxy, pid, connected: lostAt === undefined },
    })),
    capabilities: [...(active?.capabilities.values() ?? [])].map((control) => control.status()),
  });
  const server = createServer(
    adminApi({
      ...{ plan, status, log, active: () => active, record: store.record, records: store.records },
      metrics: () => meters.text(status()),
    }),
  );
  acceptProxies(server, plan, () => active);
  const address = await listen(server, plan.control.listen).catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const stop = () => {
    stopped ??= (async () => {
      clearTimeout(timer);
      await active?.stop();
      active = undefined;
      await store.lease(life, 0).catch(() => {}); // it runs out by itself
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await close();
    })();
    return stopped;
  };
  try {
    await firstTime(attend, log);
  } catch (error) {
    await stop();
    throw error;
  }
  attendAgain();
  return { address, stop };
}

/** Repeats the first attempt while the database is away; what repeating cannot mend is thrown with the next step. */
async function firstTime(attend: () => Promise<void>, log: Logger): Promise<void> {
  const end = performance.now() + START_WITHIN;
  for (;;) {
    try {
      return await attend();
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === 'ER_NO_SUCH_TABLE' || code === '42P01') {
        throw new Error('the strangler_ tables are missing; create them with `strangler init`', { cause: error });
      }
      if (!isAway(code)) throw error;
      if (performance.now() > end) {
        const next = 'start the monolith’s database or mend monolith.database in the Plan';
        throw new Error(`the monolith’s database has not answered for 30 s (${code ?? message}); ${next}`, {
          cause: error,
        });
      }
      log.warn({ err: error }, 'the monolith’s database does not answer; trying again for up to 30 s');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const isAway = (code: string | undefined): boolean =>
  /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EHOSTUNREACH|PROTOCOL_CONNECTION_LOST|ER_SERVER_SHUTDOWN)/.test(code ?? '');

function acceptProxies(server: Server, plan: Plan, active: () => Active | undefined): void {
  const role = roleOf(plan.control.tokens);
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refuse = (line: string) => socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (!isLink(request)) return refuse('404 Not Found');
    if (role(request.headers.authorization) !== 'proxy') return refuse('401 Unauthorized');
    const link = active()?.link;
    if (!link) return refuse('503 Service Unavailable');
    return link.accept(request, socket, head);
  });
}

function listen(server: Server, at: string): Promise<string> {
  const port = Number(at.slice(at.lastIndexOf(':') + 1));
  const host = at.slice(0, at.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use; stop what listens there' : `cannot be used (${error.code})`;
      reject(new Error(`${at} ${why}, or change control.listen in the Plan`, { cause: error }));
    });
    server.listen(port, host, () => {
      const { address, port, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
    });
  });
}
