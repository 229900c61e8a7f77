import { answerGivenAway, createFence } from '@strangler/fence';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { type Logger, pino } from 'pino';
import { connect, databaseIsAway } from './database.ts';
import { answerErrors, answerNotFound } from './http/answer-errors.ts';
import { requestId } from './http/request-id.ts';
import { requireInternal, requireUser, userOf } from './identity.ts';
import { defineModels } from './models.ts';
import { internalRoutes } from './routes/internal.ts';
import { notificationsRoutes } from './routes/notifications.ts';
import { ordersRoutes } from './routes/orders.ts';
import { paymentsRoutes } from './routes/payments.ts';
import { productsRoutes } from './routes/products.ts';
import { usersRoutes } from './routes/users.ts';

export interface MonolithConfig {
  /** mysql://user:password@host:port/database, migrated (see `migrate`). */
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
  /** Refuse writes of users whom a migration has given to another side. */
  fence?: boolean;
  log?: Logger;
}

export interface Monolith {
  app: Express;
  /** Closes the database pool; safe to call twice. */
  stop(): Promise<void>;
}

/** The shop as an Express app over its database, which need not be up yet. */
export const createMonolith = (config: MonolithConfig): Monolith => {
  const { databaseUrl, jwtSecret, internalToken, log = pino({ level: 'silent' }) } = config;
  const sequelize = connect(databaseUrl);
  const fenced = (capability: string): RequestHandler => {
    if (!config.fence) return (_request, _response, next) => next();
    const user = (_request: Request, response: Response) => userOf(response);
    const fence = createFence({ capability, group: 'shop', side: 'monolith', user });
    fence.sequelize(sequelize);
    return fence.middleware;
  };
  const models = defineModels(sequelize);
  const user = requireUser(jwtSecret);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestId);
  app.get('/health', async (_request, response) => {
    await sequelize.query('SELECT 1');
    response.json({ status: 'ok' });
  });
  app.use(express.json({ limit: '100kb' }));
  app.use('/api', usersRoutes(models, jwtSecret));
  app.use('/api/products', productsRoutes(models));
  app.use('/api/orders', user, fenced('orders'), ordersRoutes(sequelize));
  app.use('/api/payments', user, paymentsRoutes(sequelize));
  app.use('/api/notifications', user, fenced('notifications'), notificationsRoutes(sequelize));
  app.use('/internal', requireInternal(internalToken), internalRoutes(sequelize));
  app.use(answerNotFound);
  app.use(answerGivenAway);
  app.use(answerErrors(log, databaseIsAway));
  let stopping: Promise<void> | undefined;
  return {
    app,
    stop: () => {
      stopping ??= sequelize.close();
      return stopping;
    },
  };
};
