import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Servers } from '@strangler/servers';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where the rehearsal keeps its logs, pids and reports. */
export const HOME = join(process.env.STRANGLER_HOME ?? join(ROOT, '.strangler'));

/** The rehearsal’s databases, and the users of the example’s own processes. */
export const DATABASES = { monolith: 'shop', orders: 'shop_orders', notifications: 'shop_notifications' } as const;

/** Added to every port of the processes, so that a second set of them can run beside the first. */
const SHIFT = Number(process.env.STRANGLER_PORT_SHIFT ?? 0);

/** The processes’ ports on 127.0.0.1. */
export const PORTS = {
  monolith: SHIFT + 3000,
  orders: SHIFT + 3001,
  notifications: SHIFT + 3002,
  control: SHIFT + 7070,
  webhook: SHIFT + 7071,
  proxies: [SHIFT + 8080, SHIFT + 8081],
  metrics: [SHIFT + 9464, SHIFT + 9465],
} as const;

/** Secrets of a demo that listens on loopback only. */
export const SECRETS = {
  jwt: 'rehearsal-jwt-secret',
  internal: 'rehearsal-internal-token',
  admin: 'rehearsal-admin-token',
  proxy: 'rehearsal-proxy-token',
  password: 'cdnow-1998',
} as const;

/** The loopback address of a port. */
export const at = (port: number): string => `http://127.0.0.1:${port}`;

const PLAN_ROLES = ['control', 'applier', 'capture'] as const;

/** Addresses of every database user: the example’s own, and one for each role of the toolkit. */
export function databaseAddresses(servers: Servers) {
  const { mysql, postgres } = servers;
  const mysqlUrl = (user: string, password: string) =>
    `mysql://${user}:${encodeURIComponent(password)}@${mysql.host}:${mysql.port}/${DATABASES.monolith}`;
  const postgresUrl = (database: string, user: string, password: string) =>
    `postgres://${user}:${encodeURIComponent(password)}@${postgres.host}:${postgres.port}/${database}`;
  const roles = (url: (user: string, password: string) => string, prefix: string) =>
    Object.fromEntries(PLAN_ROLES.map((role) => [role, url(`${prefix}_${role}`, `${role}-pw`)]));
  const service = (name: 'orders' | 'notifications') => {
    const url = (user: string, password: string) => postgresUrl(DATABASES[name], user, password);
    return {
      app: url(DATABASES[name], 'app-pw'),
      admin: url(postgres.user, postgres.password),
      ...roles(url, DATABASES[name]),
    } as DatabaseUsers;
  };
  return {
    monolith: {
      app: mysqlUrl('shop_app', 'app-pw'),
      admin: mysqlUrl(mysql.user, mysql.password),
      ...roles(mysqlUrl, 'shop'),
    } as DatabaseUsers,
    orders: service('orders'),
    notifications: service('notifications'),
  };
}

/** One database’s addresses by user; `lookup` where proxies look users up. */
export type DatabaseUsers = Record<'app' | 'admin' | 'control' | 'applier' | 'capture', string> & { lookup?: string };

/** The same environment as a file for a shell: `. .strangler/rehearsal.env`. */
export const ENV_FILE = join(HOME, 'rehearsal.env');

/** The environment that fills in strangler.yaml. */
export function planEnvironment(servers: Servers): Record<string, string> {
  const env: Record<string, string> = {
    MONOLITH_URL: at(PORTS.monolith),
    ORDERS_URL: at(PORTS.orders),
    NOTIFICATIONS_URL: at(PORTS.notifications),
    KAFKA_BROKER: servers.kafka.brokers[0]!,
    CONNECT_URL: servers.connect.url,
    FLAGS_FILE: join(HOME, 'flags.json'),
    CONTROL_LISTEN: `127.0.0.1:${PORTS.control}`,
    STRANGLER_TOKEN: SECRETS.admin,
    STRANGLER_PROXY_TOKEN: SECRETS.proxy,
    WEBHOOK_URL: `${at(PORTS.webhook)}/rollbacks`,
    COMPARE_NOTIFICATIONS: process.env.COMPARE_NOTIFICATIONS ?? '100%',
    COMPARE_ORDERS: process.env.COMPARE_ORDERS ?? '20%',
  };
  for (const [name, users] of Object.entries(databaseAddresses(servers))) {
    for (const role of ['admin', ...PLAN_ROLES] as const) {
      env[`${name.toUpperCase()}_DATABASE_${role.toUpperCase()}`] = users[role];
    }
  }
  return env;
}
