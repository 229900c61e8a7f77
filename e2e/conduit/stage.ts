import type { Servers } from '@strangler/servers';
import { run } from '../../examples/conduit/tests/program.ts';
import { cleanSlate } from '../rehearsal/clean-slate.ts';
import { beTheOnlyOne, type Process, stopLeftovers } from '../rehearsal/processes.ts';
import { chapter } from '../rehearsal/screen.ts';
import { startServers } from '../rehearsal/start-servers.ts';
import { conduitSlate } from './addresses.ts';
import { type Applications, applicationsOf, monolithEnvironment } from './programs.ts';

/** Runs a chapter, saying its title and how long it took. Throws when the run is stopped. */
export type Timed = <T>(title: string, work: () => Promise<T>) => Promise<T>;

/** Everything before the first look: servers, and the applications as they were, with a town of writers. */
export type Stage = {
  readonly servers: Servers;
  readonly applications: Applications;
  readonly people: number;
  readonly timed: Timed;
  readonly signal: AbortSignal;
  /** Has this done when everything is stopped, last in, first out. */
  readonly atTheEnd: (end: () => Promise<unknown>) => void;
};

/** Writers of the seed; the admin page shows two hundred articles, and each writes three. */
const PEOPLE = 50;

/** Sets the stage and plays; stops everything, whatever happens. */
export async function onStage<T>(interrupt: AbortSignal, play: (stage: Stage) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([interrupt, over.signal]);
  const ending: (() => Promise<unknown>)[] = [];
  const atTheEnd: Stage['atTheEnd'] = (end) => ending.push(end);
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  aborted.catch(() => {}); // only a chapter under way minds
  const timed: Timed = async (title, work) => {
    signal.throwIfAborted();
    return (await Promise.race([chapter(title, work), aborted])).result;
  };
  try {
    return await play(await setStage(timed, signal, atTheEnd));
  } finally {
    over.abort(new Error('the run is over'));
    for (const end of ending.reverse()) await end();
  }
}

async function setStage(timed: Timed, signal: AbortSignal, atTheEnd: Stage['atTheEnd']): Promise<Stage> {
  beTheOnlyOne('e2e/conduit/main.ts');
  const found = await timed('MySQL, Postgres, Kafka, Connect and Debezium are up', () => startServers(atTheEnd));
  await timed('what the last run left is gone', async () => {
    await stopLeftovers();
    await cleanSlate(found, conduitSlate(found));
  });
  const applications = applicationsOf(found, 'as-it-was');
  stopAtTheEnd([applications.articles, applications.monolith], atTheEnd);
  await timed(
    `Conduit as it was: the monolith with ${PEOPLE} writers, and the service, which nobody uses`,
    async () => {
      await Promise.all([applications.monolith.start(), applications.articles.start()]);
      const { code, err } = await run('monolith/scripts/seed.js', monolithEnvironment(found), String(PEOPLE));
      if (code !== 0) throw new Error(`the seed ended with code ${code}: ${err}`);
    },
  );
  return { servers: found, applications, people: PEOPLE, timed, signal, atTheEnd };
}

/** Has processes stopped at the end, in this order. */
export function stopAtTheEnd(processes: readonly Process[], atTheEnd: Stage['atTheEnd']): void {
  atTheEnd(async () => {
    for (const one of processes) await one.stop();
  });
}
