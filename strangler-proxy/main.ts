import { parseArgs } from 'node:util';
import { loadPlan, PlanError } from '@strangler/plan';
import { type ProxyOptions, startProxy } from './proxy.ts';

const USAGE = `strangler-proxy --plan FILE [--listen HOST:PORT] [--metrics HOST:PORT] [--name NAME]
strangler-proxy --monolith URL --listen HOST:PORT [--metrics HOST:PORT]   everything to the monolith, no Plan needed`;

const ADDRESS = /^.+:\d{1,5}$/;

class Misused extends Error {}

function read(): ProxyOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { plan: text, monolith: text, listen: text, metrics: text, name: text } });
  const { plan, monolith, ...rest } = values;
  for (const [option, value] of Object.entries({ listen: rest.listen, metrics: rest.metrics })) {
    if (value !== undefined && !ADDRESS.test(value)) throw new Misused(`--${option} must be HOST:PORT`);
  }
  if (monolith !== undefined) {
    if (plan !== undefined) throw new Misused('--monolith goes without --plan: a Plan names the monolith itself');
    if (!URL.canParse(monolith) || !/^https?:/.test(monolith)) throw new Misused('--monolith must be http://…');
    if (rest.listen === undefined) throw new Misused('--monolith needs --listen HOST:PORT');
    return { ...rest, monolith };
  }
  return { ...rest, plan: loadPlan(plan ?? 'strangler.yaml') };
}

function fail(error: NodeJS.ErrnoException & { address?: string; port?: number }): never {
  const wrongUse = error instanceof Misused || error.code?.startsWith('ERR_PARSE_ARGS');
  if (error instanceof PlanError) console.error(error.message);
  else if (wrongUse) console.error(`${error.message}\n${USAGE}`);
  else if (error.code === 'EADDRINUSE' || error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
    const why = { EADDRINUSE: 'is in use', EACCES: 'is not allowed', EADDRNOTAVAIL: 'is not of this machine' }[
      error.code
    ];
    console.error(
      `${error.address}:${error.port} ${why}; free it, or name another with --listen or --metrics HOST:PORT`,
    );
  } else console.error(error.message);
  process.exit(error instanceof PlanError || wrongUse ? 2 : 1);
}

try {
  const options = read();
  const proxy = await startProxy(options);
  const does = options.plan
    ? `splits ${options.plan.name} between ${options.plan.monolith.url} and its services`
    : `sends everything to ${options.monolith}`;
  console.log(`listening on http://${proxy.address}: ${does}`);
  const stop = () => void proxy.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  fail(error as NodeJS.ErrnoException);
}
