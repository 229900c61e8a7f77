import type { Servers } from '@strangler/servers';
import { at, databaseAddresses, PORTS, planEnvironment, SECRETS } from './addresses.ts';
import { Process } from './processes.ts';

/** The topic the orders service’s outbox is published to. */
export const OUTBOX = 'shop';

/** Every process of the rehearsal, not started yet; the toolkit’s work by the Plan in this file. */
export function processesOf(servers: Servers, planFile = 'strangler.yaml') {
  const databases = databaseAddresses(servers);
  const app = { JWT_SECRET: SECRETS.jwt, INTERNAL_TOKEN: SECRETS.internal, NODE_ENV: 'production' };
  const plan = planEnvironment(servers);
  const toolkit = ['--plan', planFile];
  const health = (port: number) => `${at(port)}/health`;
  const proxy = (nth: 0 | 1) =>
    new Process({
      name: `proxy-${nth + 1}`,
      script: 'strangler-proxy/main.ts',
      args: [
        ...toolkit,
        '--listen',
        `127.0.0.1:${PORTS.proxies[nth]}`,
        '--metrics',
        `127.0.0.1:${PORTS.metrics[nth]}`,
        '--name',
        `proxy-${nth + 1}`,
      ],
      env: plan,
      health: health(PORTS.metrics[nth]),
    });
  return {
    monolith: new Process({
      name: 'monolith',
      script: 'monolith/main.ts',
      env: { ...app, PORT: String(PORTS.monolith), DATABASE_URL: databases.monolith.app },
      health: health(PORTS.monolith),
    }),
    orders: new Process({
      name: 'orders',
      script: 'extracted-services/orders/main.ts',
      env: {
        ...app,
        PORT: String(PORTS.orders),
        DATABASE_URL: databases.orders.app,
        MONOLITH_URL: at(PORTS.monolith),
      },
      health: health(PORTS.orders),
    }),
    notifications: new Process({
      name: 'notifications',
      script: 'extracted-services/notifications/main.ts',
      env: {
        ...app,
        PORT: String(PORTS.notifications),
        DATABASE_URL: databases.notifications.app,
        KAFKA_BROKERS: servers.kafka.brokers.join(','),
        OUTBOX_TOPIC: `${OUTBOX}.outbox`,
      },
      health: health(PORTS.notifications),
    }),
    cdc: new Process({
      name: 'cdc',
      script: 'cdc/main.ts',
      args: ['run', ...toolkit],
      env: plan,
    }),
    control: new Process({
      name: 'control',
      script: 'control/main.ts',
      args: toolkit,
      env: plan,
      health: health(PORTS.control),
    }),
    proxies: [proxy(0), proxy(1)],
  };
}

/** The rehearsal’s processes by name. */
export type Processes = ReturnType<typeof processesOf>;

/** All of them, in the order in which to stop them: first who talks, last who answers. */
export const inStoppingOrder = ({ proxies, control, cdc, orders, notifications, monolith }: Processes): Process[] => [
  ...proxies,
  control,
  cdc,
  orders,
  notifications,
  monolith,
];
