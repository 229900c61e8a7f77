import { resolve } from 'node:path';
import { Unleash, UnleashEvents } from 'unleash-client';
import { checkPercentage, withPercentage } from './flag-file.ts';
import { FlagMemory } from './memory.ts';
import { percentageOf } from './percentage.ts';
import type { FlagStore } from './store.ts';
import { WatchedFile } from './watched-file.ts';

/** Flags in a watched file, read by the real unleash-client. A file that is absent is created by the first flag that is made. */
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
  const take = () =>
    memory.take((capability) => {
      if (file.isRepeated(capability)) return { problem: `is in ${path} more than once: remove all but one` };
      const feature = client.getFeatureToggleDefinition(capability);
      return feature && percentageOf(feature, groups.get(capability)!);
    });
  client.on(UnleashEvents.Changed, take);
  client.on(UnleashEvents.Unchanged, take);
  client.on(UnleashEvents.Error, (error: Error) =>
    memory.failed(`flags file ${path} ${error.message.replace('Unleash Repository error: ', '')}`),
  );

  const put = async (capability: string, percentage: number, reason: string, overwrite: boolean): Promise<void> => {
    checkPercentage(percentage);
    const group = groups.get(capability);
    if (group === undefined) throw new Error(`the Plan has no capability ${capability}`);
    const note = `${percentage} % on ${new Date().toISOString()}: ${reason}`;
    let written = false;
    await file.change((content) => {
      written = overwrite || !content.features.some(({ name }) => name === capability);
      return written ? withPercentage(content, { capability, group, percentage, note }) : content;
    });
    if (written) memory.wrote(capability, percentage);
  };
  await client.start();

  let stopping: Promise<void> | undefined;
  return {
    read: (capability) => memory.read(capability),
    problem: (capability) => memory.problem(capability),
    write: (capability, percentage, reason) => put(capability, percentage, reason, true),
    create: (capability, percentage, reason) => put(capability, percentage, reason, false),
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
