import { checkPercentage } from './flag-file.ts';
import { FlagMemory } from './memory.ts';
import type { FlagStore } from './store.ts';
import { UnleashAdmin, type UnleashServer } from './unleash-admin.ts';
import { followUnleash } from './unleash-client.ts';

/** How long, in ms, opening waits for the server's first answer: a server that is down holds nobody up. */
const PATIENCE = 2_000;
/** How often, in ms, a missing feature is tried to be created. */
const CREATE_AGAIN = 5_000;
/** Unleash keeps titles of at most 255 characters; reasons are cut to fit. */
const TITLE = 200;

/** Flags on an Unleash server: read through unleash-client, written through the admin API. */
export async function openUnleash(
  server: UnleashServer,
  groups: ReadonlyMap<string, string>,
  onProblem: (problem: string) => void,
): Promise<FlagStore> {
  const memory = new FlagMemory([...groups.keys()], onProblem, () => performance.now());
  const admin = new UnleashAdmin(server);
  const triedAt = new Map<string, number>();
  const first = Promise.withResolvers<void>();

  const create = async (capability: string, group: string): Promise<void> => {
    const now = performance.now();
    if (now - (triedAt.get(capability) ?? Number.NEGATIVE_INFINITY) < CREATE_AGAIN) return;
    const again = triedAt.has(capability);
    triedAt.set(capability, now);
    const tell = (problem: string) => memory.failed(problem, `create ${capability}`);
    try {
      if (await admin.create(capability, group)) memory.wrote(capability, 0);
      else if (again)
        tell(`flag ${capability} exists, but ${server.environment} of ${server.project} does not show it`);
    } catch (error) {
      tell(`flag ${capability} cannot be created: ${(error as Error).message}`);
    }
  };
  const end = followUnleash(server, {
    read(featureOf) {
      const missing = [...groups].filter(([capability]) => !featureOf(capability));
      const present = [...groups.keys()].filter((capability) => featureOf(capability));
      memory.take(featureOf, present);
      void Promise.all(missing.map(([capability, group]) => create(capability, group))).then(() => first.resolve());
    },
    failed(problem) {
      memory.failed(problem);
      first.resolve();
    },
  });
  const patience = setTimeout(() => first.resolve(), PATIENCE);
  await first.promise;
  clearTimeout(patience);

  return {
    read: (capability) => memory.read(capability),
    write: async (capability, percentage, reason) => {
      checkPercentage(percentage);
      const group = groups.get(capability);
      if (group === undefined) throw new Error(`the Plan has no capability ${capability}`);
      await admin.create(capability, group);
      await admin.set(capability, group, percentage, `${percentage} %: ${reason}`.slice(0, TITLE));
      memory.wrote(capability, percentage);
    },
    onChange: (listener) => memory.onChange(listener),
    stop: async () => {
      memory.stop();
      end();
    },
  };
}
