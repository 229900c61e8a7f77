import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMonolith, migrate as migrateMonolith } from '@example/monolith';
import { createApp as createNotifications, migrate as migrateNotifications } from '@example/notifications';
import { createApp as createOrders, migrate as migrateOrders } from '@example/orders';
import { openSession, type Session } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import express, { type Express } from 'express';

/** The shop as it was, and the shop with its services in front of a monolith of its own; same products, no orders. */
export type TwoShops = { readonly legacy: Express; readonly extracted: Express; readonly stop: () => Promise<void> };

const SECRETS = { jwtSecret: 'regression-jwt-secret', internalToken: 'regression-internal-token' };

/** id, price and stock: an ordinary product, a free one, a dear one and one that is nearly sold out. */
const PRODUCTS = [
  [1, '11.77', 1_000],
  [3, '0.00', 1_000],
  [5, '149.90', 1_000],
  [7, '9.99', 3],
] as const;

const NOTIFICATIONS = ['welcome', 'news', 'offer'] as const;

/** Starts both shops in this process on databases of their own, named after `name`; `stop` drops them. */
export async function startTwoShops(servers: Servers, name: string): Promise<TwoShops> {
  const { postgres } = servers;
  const root = (system: 'mysql' | 'postgres', database: string) => {
    const { user, password, host, port } = servers[system];
    return `${system}://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
  };
  const names = { mysql: [`${name}_old`, `${name}_new`], postgres: [`${name}_orders`, `${name}_notes`] } as const;
  const recreate = async (create: boolean) => {
    for (const system of ['mysql', 'postgres'] as const) {
      await withSession(root(system, system === 'mysql' ? 'mysql' : postgres.database), async (session) => {
        for (const database of names[system]) {
          await session.query(`DROP DATABASE IF EXISTS ${database}${system === 'postgres' ? ' WITH (FORCE)' : ''}`);
          if (create) await session.query(`CREATE DATABASE ${database}`);
        }
      });
    }
  };
  await recreate(true);
  const urls = {
    old: root('mysql', names.mysql[0]),
    new: root('mysql', names.mysql[1]),
    orders: root('postgres', names.postgres[0]),
    notifications: root('postgres', names.postgres[1]),
  };
  await Promise.all([
    migrateMonolith(urls.old),
    migrateMonolith(urls.new),
    migrateOrders(urls.orders),
    migrateNotifications(urls.notifications),
  ]);
  await Promise.all([fill(urls.old, true), fill(urls.new, false), withNotifications(urls.notifications, 2)]);
  const legacy = createMonolith({ databaseUrl: urls.old, ...SECRETS });
  const monolith = createMonolith({ databaseUrl: urls.new, ...SECRETS });
  const behind = await listen(monolith.app);
  const monolithUrl = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`;
  const orders = createOrders({ databaseUrl: urls.orders, monolithUrl, ...SECRETS });
  const notifications = createNotifications({ databaseUrl: urls.notifications, ...SECRETS });
  const extracted = express();
  extracted.disable('x-powered-by');
  extracted.use((request, response) => {
    const whose = request.path.startsWith('/api/orders')
      ? orders
      : request.path.startsWith('/api/notifications')
        ? notifications
        : monolith;
    whose.app(request, response);
  });
  return {
    legacy: legacy.app,
    extracted,
    stop: async () => {
      behind.closeAllConnections();
      await new Promise((resolve) => behind.close(resolve));
      await Promise.all([legacy.stop(), monolith.stop(), orders.stop(), notifications.stop()]);
      await recreate(false);
    },
  };
}

async function withSession<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(url, 'reader');
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The first user a fresh monolith registers. */
const FIRST_USER = 1;

const fill = (url: string, notes: boolean) =>
  withSession(url, async (session) => {
    for (const [id, price, stock] of PRODUCTS) {
      const values = [id, `Product ${id}`, price, stock];
      await session.query('INSERT INTO products (id, title, price, stock) VALUES (?, ?, ?, ?)', values);
    }
    if (notes) await insertNotifications(session, 1);
  });

const withNotifications = (url: string, firstId: number) =>
  withSession(url, (session) => insertNotifications(session, firstId));

async function insertNotifications(session: Session, firstId: number): Promise<void> {
  for (const [nth, kind] of NOTIFICATIONS.entries()) {
    await session.query(
      'INSERT INTO notifications (id, user_id, kind, reference, title, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [
        firstId + 2 * nth,
        FIRST_USER,
        kind,
        'seed',
        `A ${kind}`,
        `This is a ${kind}.`,
        `2099-01-0${nth + 1} 12:00:00.000`,
      ],
    );
  }
}

const listen = (app: Express): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(app);
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
