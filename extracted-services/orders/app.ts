import { answerGivenAway, createFence } from '@strangler/fence';
import express, { type Express, type Request, type Response } from 'express';
import { type Logger, pino } from 'pino';
import { connect, databaseIsAway, type Writing } from './database.ts';
import { answerErrors, answerNotFound } from './http/answer-errors.ts';
import { requestId } from './http/request-id.ts';
import { requireUser, userOf } from './identity.ts';
import { createMonolithClient } from './monolith-client.ts';
import { ordersRoutes } from './routes.ts';
import { recover, startRecovery } from './saga/recovery.ts';

export interface OrdersConfig {
  /** postgres://user:password@host:port/database, migrated (see `migrate`). */
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
  /** Where stock and payments are claimed. */
  monolithUrl: string;
  /** Bounds each call to the monolith, 5000 ms unless given. */
  monolithTimeoutMs?: number;
  /** How old an unfinished attempt must be before its claims are undone, 60000 ms unless given. */
  recoverAfterMs?: number;
  /** Refuse writes of users whom a migration has not given to this side, or taken away again. */
  fence?: boolean;
  log?: Logger;
}

export interface OrdersService {
  app: Express;
  /** One round of recovery, besides those that run every five seconds; answers how many attempts it settled. */
  recover(): Promise<number>;
  /** Ends recovery and closes the connections; safe to call twice. */
  stop(): Promise<void>;
}

/** The orders service as an Express app over its database and the monolith, neither of which need be up yet. */
export const createApp = (config: OrdersConfig): OrdersService => {
  const { recoverAfterMs = 60_000, log = pino({ level: 'silent' }) } = config;
  const pool = connect(config.databaseUrl);
  const user = (_request: Request, response: Response) => userOf(response);
  const fence = config.fence ? createFence({ capability: 'orders', group: 'shop', side: 'service', user }) : undefined;
  const writing: Writing = (work) => (fence ? fence.transaction(pool, work) : work(pool));
  const monolith = createMonolithClient(config.monolithUrl, config.internalToken, config.monolithTimeoutMs);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestId);
  app.get('/health', async (_request, response) => {
    await pool.query('SELECT 1');
    response.json({ status: 'ok' });
  });
  app.use(express.json({ limit: '100kb' }));
  app.use('/api/orders', requireUser(config.jwtSecret));
  if (fence) app.use('/api/orders', fence.middleware);
  app.use('/api/orders', ordersRoutes(pool, writing, monolith));
  app.use(answerNotFound);
  app.use(answerGivenAway);
  app.use(answerErrors(log, databaseIsAway));
  const round = () => recover(pool, monolith, recoverAfterMs, log);
  const recovery = startRecovery(round, log);
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await recovery.stop();
    monolith.stop();
    await pool.end();
  };
  return {
    app,
    recover: round,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
};
