import express, { type Express } from 'express';
import { type Logger, pino } from 'pino';
import { connect } from './database.ts';
import { plainSlug, randomSlug } from './fields.ts';
import { answerErrors, answerNotFound } from './http/answer-errors.ts';
import { createIdentity } from './identity.ts';
import { internalRoutes } from './internal.ts';
import { articlesRoutes } from './routes.ts';
import { askMonolith, makeNone, type TagsOffice } from './tags.ts';

export interface ArticlesConfig {
  /** postgres://user:password@host:port/database, migrated (see `migrate`). */
  databaseUrl: string;
  jwtSecret: string;
  randomSlugs: boolean;
  office: TagsOffice | undefined;
  log?: Logger;
}

export interface ArticlesService {
  app: Express;
  /** Closes the connections; safe to call twice. */
  stop(): Promise<void>;
}

/** The articles service as an Express app over its database, which need not be up yet. */
export const createApp = ({
  databaseUrl,
  jwtSecret,
  randomSlugs,
  office,
  log = pino({ level: 'silent' }),
}: ArticlesConfig): ArticlesService => {
  const pool = connect(databaseUrl);
  const app = express();
  app.set('query parser', 'extended'); // as in Express 4
  app.get('/health', async (_request, response) => {
    await pool.query('SELECT 1');
    response.json({ status: 'ok' });
  });
  app.use(express.json());
  const [slugOf, makeTags] = [randomSlugs ? randomSlug : plainSlug, office ? askMonolith(office) : makeNone];
  app.use('/api', articlesRoutes({ pool, identity: createIdentity(pool, jwtSecret), slugOf, makeTags }));
  if (office) app.use('/internal', internalRoutes(pool, office.internalToken));
  app.use(answerNotFound);
  app.use(answerErrors(log));
  let stopping: Promise<void> | undefined;
  return {
    app,
    stop: () => {
      stopping ??= pool.end();
      return stopping;
    },
  };
};
