import { checkPercentage } from './flag-file.ts';
import { FlagMemory } from './memory.ts';
import { percentageOf } from './percentage.ts';
import type { FlagStore } from './store.ts';
import { UnleashAdmin, type UnleashServer } from './unleash-admin.ts';
import { followUnleash } from './unleash-client.ts';

/** How long, in ms, opening waits for the server's first answer: a server that is down holds nobody up. */
const FIRST_ANSWER_MS = 2_000;
/** Unleash keeps titles of at most 255 characters; reasons are cut to fit. */
const TITLE_CHARACTERS = 200;

/** Flags on an Unleash server: read through unleash-client, written through the admin API. */
export async function openUnleash(
  server: UnleashServer,
  groups: ReadonlyMap<string, string>,
  onProblem: (problem: string) => void,
): Promise<FlagStore> {
  const memory = new FlagMemory([...groups.keys()], onProblem, () => performance.now());
  const admin = new UnleashAdmin(server);
  const first = Promise.withResolvers<void>();

  const end = followUnleash(server, {
    read(featureOf) {
      memory.take((capability) => {
        const feature = featureOf(capability);
        return feature && percentageOf(feature, groups.get(capability)!);
      });
      first.resolve();
    },
    failed(problem) {
      memory.failed(problem);
      first.resolve();
    },
  });
  const patience = setTimeout(() => first.resolve(), FIRST_ANSWER_MS);
  await first.promise;
  clearTimeout(patience);

  const put = async (capability: string, percentage: number, reason: string, overwrite: boolean): Promise<void> => {
    checkPercentage(percentage);
    const group = groups.get(capability);
    if (group === undefined) throw new Error(`the Plan has no capability ${capability}`);
    if (!(await admin.create(capability)) && !overwrite) return;
    await admin.set(capability, group, percentage, `${percentage} %: ${reason}`.slice(0, TITLE_CHARACTERS));
    memory.wrote(capability, percentage);
  };
  return {
    read: (capability) => memory.read(capability),
    problem: (capability) => memory.problem(capability),
    write: (capability, percentage, reason) => put(capability, percentage, reason, true),
    create: (capability, percentage, reason) => put(capability, percentage, reason, false),
    onChange: (listener) => memory.onChange(listener),
    stop: async () => {
      memory.stop();
      end();
    },
  };
}
