import { pino } from 'pino';
import { createApp } from './app.ts';
import { EnvironmentError, readEnvironment } from './environment.ts';
import { listen } from './http/listen.ts';
import { migrate } from './migrate.ts';

const log = pino({ name: 'articles' });

const run = async (): Promise<void> => {
  const { port, host, ...config } = readEnvironment(process.env);
  const migrations = await migrate(config.databaseUrl);
  log.info({ migrations }, 'database migrated');
  if (process.argv[2] === 'migrate') return;
  const service = createApp({ ...config, log });
  const listening = await listen(service.app, port, host);
  log.info({ url: listening.url }, 'listening');
  const stop = async () => {
    await listening.stop();
    await service.stop();
    log.info('stopped');
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
};

run().catch((error: NodeJS.ErrnoException) => {
  const expected = error instanceof EnvironmentError || error.code === 'EADDRINUSE';
  const nextStep = expected ? '' : '\nCheck that the database of DATABASE_URL exists, is up and lets this user in.';
  process.stderr.write(`${error.message}${nextStep}\n`);
  process.exit(expected ? 2 : 1);
});
