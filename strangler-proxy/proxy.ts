import { hostname } from 'node:os';
import { errorForLog, type FromProxy, type Plan, proxyDefaults } from '@strangler/plan';
import { type Logger, pino } from 'pino';
import { listenOn } from './address.ts';
import { Places } from './identity/places.ts';
import { ControlLink } from './link.ts';
import { ProxyMetrics, serveMetrics } from './metrics.ts';
import { routedCapabilities } from './route.ts';
import { createFront } from './server.ts';
import { openShadow } from './shadow/open.ts';
import { Traffic } from './traffic.ts';
import { trustsFrom } from './trusted.ts';
import { Upgrades } from './upgrade.ts';

/** How often counts go to control, in milliseconds. */
const COUNTS_MS = 100;

export type ProxyOptions = {
  /** What to split by; without one everything goes to `monolith`. */
  readonly plan?: Plan;
  /** Address of the monolith, `http://…`; only without a Plan. */
  readonly monolith?: string;
  /** HOST:PORT; the Plan’s proxy.listen if not given. Port 0 takes a free one. */
  readonly listen?: string;
  /** HOST:PORT of metrics and /health; the Plan’s proxy.metrics if not given, else none. */
  readonly metrics?: string;
  /** The name control knows this proxy by; it stays the same when the process starts again. */
  readonly name?: string;
  /** Address of control, `http://…`; the Plan’s control.listen if not given. */
  readonly controlUrl?: string;
  readonly token?: string;
  readonly log?: Logger;
};

export type RunningProxy = {
  /** HOST:PORT it listens on. */
  readonly address: string;
  readonly metricsAddress: string | undefined;
  /** Ends what is under way within the Plan’s stopWithin, then everything; safe to call twice. */
  readonly stop: () => Promise<void>;
};

/**
 * Starts one proxy. Rejects with an Error if the Plan names nothing to proxy to, or looks users up in what their database
 * has not; with the system’s error if an address cannot be listened on.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { plan, log = pino({ serializers: { err: errorForLog } }) } = options;
  const monolith = plan ? plan.monolith.url : options.monolith;
  if (!monolith) throw new Error('nothing to proxy to: set monolith.url in the Plan, or give --monolith URL');
  const limits = plan?.proxy ?? proxyDefaults();
  const places = new Places();
  const capabilities = plan ? routedCapabilities(plan, places) : [];
  await mustFit(places, log);
  const trusts = trustsFrom(limits.trustedHops);
  const metrics = new ProxyMetrics();
  const tell = (message: FromProxy) => link?.tell(message) ?? false;
  const traffic = new Traffic(new URL(monolith), capabilities, limits, metrics, log, tell);
  if (plan) traffic.shadow = openShadow(plan, traffic, metrics.registry);
  const upgrades = new Upgrades(traffic, trusts);
  const server = createFront(traffic, trusts, upgrades);

  const ready = () => !traffic.stopping && (plan === undefined || traffic.snapshot !== undefined);
  const metricsAt = options.metrics ?? limits.metrics;
  const health = () => ({ ready: ready(), blindForSeconds: Math.round(traffic.blindFor() / 1_000) });
  const scraped = metricsAt === undefined ? undefined : await serveMetrics(metrics, health, metricsAt);
  const address = await listenOn(server, options.listen ?? limits.listen).catch(async (error: Error) => {
    await Promise.all([scraped?.stop(), places.close()]);
    throw error;
  });

  let snapshotAt = 0;
  const link =
    plan &&
    new ControlLink(
      options.controlUrl ?? `http://${plan.control.listen}`,
      options.token ?? plan.control.tokens.proxy,
      options.name ?? `${hostname()}-${address}`,
      (snapshot) => {
        const ack = traffic.apply(snapshot);
        if (ack) {
          snapshotAt = performance.now();
          upgrades.apply(snapshot);
        }
        return ack;
      },
      (id) => traffic.confirmations.confirmed(id),
      (milliseconds) => traffic.survey.goOn(milliseconds),
      () => traffic.forget(),
      (up, reason) => {
        if (!up) return log.warn({ reason }, 'no link to control; trying again');
        log.info('linked to control');
        traffic.confirmations.repeat();
      },
    );
  const blindFor = () => link?.blindFor ?? 0;
  traffic.blindFor = blindFor;
  const flush = () => {
    if (!link?.up) {
      traffic.tally.dropStale();
      return;
    }
    const { counts, more } = traffic.tally.take();
    for (const one of counts) link.tell({ type: 'counts', counts: [one] });
    const identified = traffic.identities.take();
    if (identified.length) link.tell({ type: 'identified', identified });
    if (more > 0) log.warn({ more }, 'writes of more users than can be told were answered without a link to control');
    for (const told of traffic.survey.take() ?? []) link.tell({ type: 'surveyed', ...told });
    for (const comparison of traffic.shadow?.findings.take() ?? []) link.tell({ type: 'compared', comparison });
  };
  const counting = setInterval(flush, COUNTS_MS);

  metrics.watch({
    held: () => capabilities.map(({ name }) => [name, traffic.holds.count(name)] as const),
    underWay: () => traffic.underWay,
    snapshot: () => traffic.snapshot && { snapshot: traffic.snapshot, age: performance.now() - snapshotAt },
    linkUp: () => link?.up ?? false,
    blindFor,
  });

  const stop = async () => {
    server.close();
    traffic.stopping = true;
    upgrades.stop();
    await traffic.stop(limits.stopWithin);
    server.closeAllConnections();
    await places.close();
    clearInterval(counting);
    flush();
    await link?.stop(traffic.flights.settled);
    await scraped?.stop();
  };
  let stopped: Promise<void> | undefined;
  return {
    address,
    metricsAddress: scraped?.address,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** A database that is away now may be there when a request needs it; what it has not, no request will find in it. */
async function mustFit(places: Places, log: Logger): Promise<void> {
  const { unfit, away } = await places.check();
  for (const reason of away)
    log.warn({ reason }, 'a database in which users are looked up is away; requests that need it are answered 503');
  if (!unfit.length) return;
  await places.close();
  throw new Error(`users cannot be looked up as the Plan says (user):\n${unfit.map((one) => `  ${one}`).join('\n')}`);
}
