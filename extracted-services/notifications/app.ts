import { answerGivenAway, createFence } from '@strangler/fence';
import express, { type Express, type Request, type Response } from 'express';
import { type Logger, pino } from 'pino';
import { type EventSource, startConsumer } from './consumer.ts';
import { connect, databaseIsAway, type Writing } from './database.ts';
import { answerErrors, answerNotFound } from './http/answer-errors.ts';
import { requestId } from './http/request-id.ts';
import { requireUser, userOf } from './identity.ts';
import { receive } from './receive.ts';
import { notificationsRoutes } from './routes.ts';

export interface NotificationsConfig {
  /** postgres://user:password@host:port/database, migrated (see `migrate`). */
  databaseUrl: string;
  jwtSecret: string;
  /** The orders service's events; without them nothing is consumed. */
  events?: EventSource | undefined;
  /** Refuse writes of users whom a migration has not given to this side, or taken away again. */
  fence?: boolean;
  log?: Logger;
}

export interface NotificationsService {
  app: Express;
  /** Ends consuming and closes the database pool; safe to call twice. */
  stop(): Promise<void>;
}

/** The notifications service as an Express app over its database and Kafka, neither of which need be up yet. */
export const createApp = (config: NotificationsConfig): NotificationsService => {
  const { databaseUrl, jwtSecret, events, log = pino({ level: 'silent' }) } = config;
  const pool = connect(databaseUrl);
  const user = (_request: Request, response: Response) => userOf(response);
  const fence = config.fence
    ? createFence({ capability: 'notifications', group: 'shop', side: 'service', user })
    : undefined;
  const writing: Writing = (work) => (fence ? fence.transaction(pool, work) : work(pool));
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestId);
  app.get('/health', async (_request, response) => {
    await pool.query('SELECT 1');
    response.json({ status: 'ok' });
  });
  app.use(express.json({ limit: '100kb' }));
  app.use('/api/notifications', requireUser(jwtSecret));
  if (fence) app.use('/api/notifications', fence.middleware);
  app.use('/api/notifications', notificationsRoutes(pool, writing));
  app.use(answerNotFound);
  app.use(answerGivenAway);
  app.use(answerErrors(log, databaseIsAway));
  const consumer = events && startConsumer(events, (batch) => receive(pool, batch), log);
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await consumer?.stop();
    await pool.end();
  };
  return {
    app,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
};
