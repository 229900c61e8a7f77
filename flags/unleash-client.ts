import type { EventEmitter } from 'node:events';
import { InMemStorageProvider, Unleash, UnleashEvents } from 'unleash-client';
import type { Feature } from './percentage.ts';
import type { UnleashServer } from './unleash-admin.ts';

/** How often an Unleash server is asked, in ms; one that offers its stream is listened to instead. */
const REFRESH_MS = 1_000;
/** After so many ms without a sign of the server a new client is made: unleash-client gives up for good after a 401. */
const SILENCE_MS = 5_000;
const TIMEOUT_MS = 3_000;

/** What is heard of the server: all features again (also when nothing changed), or why it could not be read. */
export type Listener = {
  read(featureOf: (name: string) => Feature | undefined): void;
  failed(problem: string): void;
};

/** Follows a server with unleash-client; gives the function that ends it. */
export function followUnleash(server: UnleashServer, listener: Listener): () => void {
  let heardAt = performance.now();
  let told = false;
  const fail = (problem: string) => {
    told = true;
    listener.failed(`Unleash at ${server.url} cannot be read (${problem})`);
  };
  const make = (): Unleash => {
    const client = new Unleash({
      appName: 'strangler',
      url: `${server.url.replace(/\/$/, '')}/api`,
      customHeaders: { Authorization: server.token },
      environment: server.environment,
      projectName: server.project,
      refreshInterval: REFRESH_MS,
      timeout: TIMEOUT_MS,
      storageProvider: new InMemStorageProvider(),
      disableMetrics: true,
      disableAutoStart: true,
      skipInstanceCountWarning: true,
    });
    const read = () => {
      heardAt = performance.now();
      told = false;
      listener.read((name) => client.getFeatureToggleDefinition(name));
    };
    const failed = (problem: unknown) => {
      const text = problem instanceof Error ? problem.message : String(problem);
      fail(text.replace('Unleash Repository error: ', ''));
    };
    client.on(UnleashEvents.Changed, read);
    client.on(UnleashEvents.Unchanged, read);
    client.on(UnleashEvents.Error, failed);
    client.on(UnleashEvents.Warn, failed);
    client.start().catch(failed);
    return client;
  };
  let client = make();
  const watchdog = setInterval(() => {
    if (performance.now() - heardAt < SILENCE_MS) return;
    if (!told) fail(`no answer for ${SILENCE_MS} ms`);
    heardAt = performance.now();
    end(client);
    client = make();
  }, REFRESH_MS);
  watchdog.unref();
  return () => {
    clearInterval(watchdog);
    end(client);
  };
}

/** A request under way may still fail after destroy(), which takes every listener away: its error must not be thrown. */
function end(client: Unleash): void {
  client.removeAllListeners();
  client.on(UnleashEvents.Error, () => undefined);
  client.destroy();
  (client as unknown as { repository: EventEmitter }).repository.on(UnleashEvents.Error, () => undefined);
}
