import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FlagStore } from '@strangler/flags';
import type { Plan, ProxyStatus, Status } from '@strangler/plan';
import type { Logger } from 'pino';
import { type Active, activate } from './active.ts';
import { adminApi } from './admin/api.ts';
import { roleOf } from './auth.ts';
import { openStores } from './databases.ts';
import { Lease } from './lease.ts';
import { isLink } from './link.ts';
import { openMeters } from './metrics.ts';
import type { ProxyView } from './readiness.ts';
import { SupersededError } from './stored-state.ts';

/** What control needs; the flag store stays the caller’s to stop. */
export type ControlOptions = { readonly plan: Plan; readonly flags: FlagStore; readonly log: Logger };

/** A running control. */
export type Control = {
  /** `http://HOST:PORT` of the admin API and the proxies’ stream. */
  readonly address: string;
  /** Finishes or cancels the handoff under way, gives the lease back, closes. Safe to call twice. */
  readonly stop: () => Promise<void>;
};

const RENEW_MS = 1_000;
const START_TIMEOUT_MS = 30_000;

/**
 * Starts a control: the active one if the lease is free, else a standby that takes over when it becomes free. Rejects
 * when the port is taken, the tables are missing, or the database stays away for 30 s.
 */
export async function startControl({ plan, flags, log }: ControlOptions): Promise<Control> {
  const life = randomUUID();
  const since = new Date().toISOString();
  const { close, ...stores } = await openStores(plan);
  const meters = openMeters();
  let active: Active | undefined;
  let lease: Lease | undefined;
  let stopped: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let steppingDown: Promise<void> = Promise.resolve();

  const stepDown = (why: string) => {
    const former = active;
    active = undefined;
    clearTimeout(deadline);
    if (!former) return;
    log.warn({ why }, 'this control is a standby now');
    steppingDown = former.stop('lost').catch((error: unknown) => log.warn({ err: error }, 'while stepping down'));
  };
  /** Whatever the store does meanwhile, this control stops deciding when its lease is over. */
  const stepDownInTime = (held: Lease) => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      if (held.left > 0) stepDownInTime(held);
      else stepDown('the lease could not be renewed in time');
    }, held.left);
  };

  /** Takes or renews the lease, and becomes what it says. */
  const attend = async () => {
    if (active && lease) {
      await lease.renew().catch((error: unknown) => {
        if (!(error instanceof SupersededError)) throw error;
        stepDown(error.message);
      });
      if (active) stepDownInTime(lease);
      return;
    }
    await steppingDown;
    const taken = stopped ? undefined : await Lease.acquire(stores.leases, life);
    if (!taken || stopped) return;
    lease = taken;
    const onSuperseded = (error: Error) => {
      if (lease === taken) stepDown(error.message);
    };
    active = await activate({ plan, stores, lease, flags, meters, log, onSuperseded });
    stepDownInTime(lease);
    log.info({ life, term: lease.term }, 'this control is active');
  };
  const attendAgain = () => {
    if (stopped) return;
    timer = setTimeout(async () => {
      await attend().catch((error: unknown) => log.error({ err: error }, 'the lease could not be renewed'));
      attendAgain();
    }, RENEW_MS);
  };

  const status = (): Status => ({
    plan: plan.name,
    control: { life, since, active: active !== undefined },
    proxies: (active?.link.views() ?? []).filter(({ dismissed }) => !dismissed).map(statusOf),
    capabilities: [...(active?.capabilities.values() ?? [])].map((control) => control.status()),
  });
  const server = createServer(
    adminApi({
      ...{ plan, status, log, active: () => active, record: stores.store.record, records: stores.store.records },
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
      clearTimeout(deadline);
      await active?.stop();
      active = undefined;
      await steppingDown;
      await lease?.release().catch(() => {}); // it runs out by itself
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

const statusOf = ({ proxy, pid, lostAt, loss }: ProxyView): ProxyStatus => ({
  proxy,
  pid: pid ?? null,
  connected: lostAt === undefined,
  lostFor: lostAt === undefined ? null : Math.round(performance.now() - lostAt),
  ...(loss !== undefined && { loss }),
});

/** Repeats the first attempt while the database is away; what repeating cannot fix is thrown with the next step. */
async function firstTime(attend: () => Promise<void>, log: Logger): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await attend();
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === 'ER_NO_SUCH_TABLE' || code === '42P01') {
        throw new Error('the strangler_ tables are missing; create them with `strangler init`', { cause: error });
      }
      if (code === 'ER_BAD_FIELD_ERROR') {
        throw new Error(
          'the strangler_ tables are of an earlier version; bring them up to date with `strangler init`',
          {
            cause: error,
          },
        );
      }
      if (!isAway(code)) throw error;
      if (performance.now() > end) {
        const next = 'start the monolith’s database or correct monolith.database in the Plan';
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
  /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|NO_ANSWER|PROTOCOL_CONNECTION_LOST|ER_SERVER_SHUTDOWN)/.test(
    code ?? '',
  );

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
