import type { Servers } from '@strangler/servers';
import { at, PORTS, SECRETS } from '../rehearsal/addresses.ts';
import { Process } from '../rehearsal/processes.ts';
import { APPLICATIONS, CONDUIT_SECRETS, conduitDatabases, conduitEnvironment, FRONTS } from './addresses.ts';

/** The applications as they were, or as the survey and doctor ask. */
export type Form = 'as-it-was' | 'as-asked';

const SLUGS = { SLUG_SUFFIX: 'random' };
const ASKED = {
  monolith: { ...SLUGS, AWAIT_WRITES: 'on', INTERNAL_TOKEN: SECRETS.internal, FRONT_URL: FRONTS[0]! },
  articles: { ...SLUGS, INTERNAL_TOKEN: SECRETS.internal, MONOLITH_URL: APPLICATIONS.monolith },
};

/** What the monolith and its scripts are started with. */
export const monolithEnvironment = (servers: Servers): Record<string, string> => ({
  DATABASE_URL: conduitDatabases(servers).monolith.app,
  JWT_SECRET: SECRETS.jwt,
  WEBHOOK_SECRET: CONDUIT_SECRETS.webhook,
  BCRYPT_ROUNDS: '4', // load on the application, not on its hash
});

/** The timed job comes every seven seconds once there is a load, and is run by hand while there is none. */
const TIMED = { 'as-it-was': 'off', 'as-asked': '*/7 * * * * *' };

/** The two applications, not started yet. */
export function applicationsOf(servers: Servers, form: Form) {
  const asked = form === 'as-asked';
  const { articles } = conduitDatabases(servers);
  return {
    monolith: new Process({
      name: `monolith-${form}`,
      script: 'examples/conduit/monolith/server.js',
      env: {
        ...monolithEnvironment(servers),
        PORT: String(PORTS.monolith),
        POPULARITY_CRON: TIMED[form],
        ...(asked && ASKED.monolith),
      },
      health: `${APPLICATIONS.monolith}/health`,
    }),
    articles: new Process({
      name: `articles-${form}`,
      script: 'examples/conduit/articles/main.ts',
      env: {
        DATABASE_URL: articles.app,
        JWT_SECRET: SECRETS.jwt,
        PORT: String(PORTS.orders),
        ...(asked && ASKED.articles),
      },
      health: `${APPLICATIONS.articles}/health`,
    }),
  };
}

/** The toolkit’s processes by the Plan in this file, not started yet. */
export function toolkitOf(servers: Servers, planFile: string) {
  const env = conduitEnvironment(servers);
  const plan = ['--plan', planFile];
  const health = (port: number) => `${at(port)}/health`;
  const proxy = (nth: 0 | 1): Process => {
    const name = `proxy-${nth + 1}`;
    const listen = ['--listen', `127.0.0.1:${PORTS.proxies[nth]}`, '--metrics', `127.0.0.1:${PORTS.metrics[nth]}`];
    const args = [...plan, ...listen, '--name', name];
    return new Process({ name, script: 'strangler-proxy/main.ts', args, env, health: health(PORTS.metrics[nth]) });
  };
  return {
    cdc: new Process({ name: 'cdc', script: 'cdc/main.ts', args: ['run', ...plan], env }),
    control: new Process({
      name: 'control',
      script: 'control/main.ts',
      args: plan,
      env,
      health: health(PORTS.control),
    }),
    proxies: [proxy(0), proxy(1)] as const,
  };
}

/** The applications’ processes by name. */
export type Applications = ReturnType<typeof applicationsOf>;
/** The toolkit’s processes by name. */
export type Toolkit = ReturnType<typeof toolkitOf>;
