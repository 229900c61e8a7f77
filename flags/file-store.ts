import { resolve } from 'node:path';
import { Unleash, UnleashEvents } from 'unleash-client';
import { checkPercentage, withPercentage } from './flag-file.ts';
import { FlagMemory } from './memory.ts';
import type { FlagStore } from './store.ts';
import { WatchedFile } from './watched-file.ts';

/** Flags in a watched file, read by the real unleash-client. A file that is absent is created with 0 % for everyone. */
export async function openFlagFile(
  path: string,
  groups: ReadonlyMap<string, string>,
  onProblem: (problem: string) => void,
): Promise<FlagStore> {
  const file = new WatchedFile(resolve(path));
  const memory = new FlagMemory([...groups.keys()], onProblem, () => performance.now());
  const client = new Unleash({
    appName: 'strangler',
    url: 'http://file', // never asked: the repository is the file
    repository: file as never,
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  });
  const take = () => memory.take((capability) => client.getFeatureToggleDefinition(capability));
  client.on(UnleashEvents.Changed, take);
  client.on(UnleashEvents.Unchanged, take);
  client.on(UnleashEvents.Error, (error: Error) =>
    memory.failed(`flags file ${path} ${error.message.replace('Unleash Repository error: ', '')}`),
  );

  const set = (capability: string, percentage: number, note: string) =>
    file.change((content) => withPercentage(content, { capability, group: groups.get(capability)!, percentage, note }));
  const created = `created at 0 % on ${new Date().toISOString()}`;
  await file
    .change((content) =>
      [...groups].reduce(
        (now, [capability, group]) =>
          now.features.some(({ name }) => name === capability)
            ? now
            : withPercentage(now, { capability, group, percentage: 0, note: created }),
        content,
      ),
    )
    .catch((error: Error) => {
      const notReadable = (error.cause as NodeJS.ErrnoException).code === undefined; // start() says so below
      if (!notReadable) memory.failed(error.message, 'create');
    });
  await client.start();

  let stopping: Promise<void> | undefined;
  return {
    read: (capability) => memory.read(capability),
    write: async (capability, percentage, reason) => {
      checkPercentage(percentage);
      if (!groups.has(capability)) throw new Error(`the Plan has no capability ${capability}`);
      await set(capability, percentage, `${percentage} % on ${new Date().toISOString()}: ${reason}`);
      memory.wrote(capability, percentage);
    },
    onChange: (listener) => memory.onChange(listener),
    stop: () => {
      stopping ??= Promise.resolve().then(() => {
        memory.stop();
        client.destroy();
      });
      return stopping;
    },
  };
}
