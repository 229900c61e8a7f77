import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '@strangler/ledger';
import { Agent } from 'undici';
import { type Chance, chanceOf } from '../chance.ts';
import { type Scene, someDeed } from './deeds.ts';
import { Ledger } from './ledger.ts';
import { Staff, sponsor } from './others.ts';
import { Person } from './person.ts';

/** A town that reads and writes at Conduit until it is told to stop. */
export type Town = {
  readonly ledger: Ledger;
  /** How many deeds people have begun. */
  readonly deeds: () => number;
  /** Resolves once so many more deeds were begun. Rejects if the traffic has failed. */
  readonly more: (deeds: number) => Promise<void>;
  /** Lets everybody finish what they are doing. Safe to call twice. */
  readonly stop: () => Promise<void>;
};

/** How many act at the same time. */
const AT_A_TIME = 16;
/** Deeds begun in a second, if Conduit keeps up. */
const RATE = 10;
/** What staff and the payment provider wait between two deeds, ms. */
const OTHERS_WAIT_MS = 1_200;

/** Starts the traffic of so many writers of the seed, and of those who write without being users. */
export function startTown(people: number, seed: number, monolith: string): Town {
  const ledger = new Ledger();
  const chance = chanceOf(seed, 'town');
  const dispatcher = new Agent({ connections: 2 * AT_A_TIME, pipelining: 1 });
  const persons = Array.from({ length: people }, (_, nth) => {
    const name = `writer${nth}`;
    return new Person(name, `${name}@conduit.test`, nth, dispatcher);
  });
  const database = new Database(monolith, 'reader');
  const stopping = new AbortController();
  const { signal } = stopping;
  let nth = 0;
  let failure: Error | undefined;

  const idle = (): Person => {
    for (;;) {
      const person = persons[chance.below(people)]!;
      if (!person.busy) return person;
    }
  };
  const scene = (): Scene => ({
    ...{ ledger, chance, nth: nth++ },
    other: (than) => persons[(persons.indexOf(than) + 1 + chance.below(people - 1)) % people]!,
    newcomer: () => new Person(`newcomer${nth}`, `newcomer${nth}@conduit.test`, nth, dispatcher),
  });
  const act = async (): Promise<void> => {
    const person = idle();
    person.busy = true;
    await someDeed(chance)(person, scene()).finally(() => {
      person.busy = false;
    });
  };
  const paced = async (mine: number): Promise<void> => {
    const gap = (AT_A_TIME / RATE) * 1_000;
    for (let due = Date.now() + (mine / RATE) * 1_000; ; due = Math.max(due + gap, Date.now())) {
      await pause(due - Date.now(), signal); // a Conduit that stood still is not overrun when it goes on
      if (signal.aborted) return;
      await act();
    }
  };
  const idOf = async (mark: string): Promise<number | undefined> => {
    const sql = 'SELECT id FROM Articles WHERE title LIKE ?';
    const { rows } = await database.use((session) => session.query<{ id: number }>(sql, [`${mark} %`]));
    return rows[0]?.id;
  };
  const others: Chance = chanceOf(seed, 'others');
  const work = { ledger, chance: others, dispatcher };
  const repeat = async (deed: (turn: number) => Promise<void>): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn++) {
      await deed(turn);
      await pause(OTHERS_WAIT_MS, signal);
    }
  };
  const staff = new Staff(work);
  const all = [
    ...Array.from({ length: AT_A_TIME }, (_, mine) => paced(mine)),
    repeat(() => staff.act(idOf)),
    repeat((turn) => sponsor(work, turn, signal)),
  ].map((task) =>
    task.catch((error: Error) => {
      failure ??= error;
      stopping.abort();
    }),
  );
  let stopped: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(all);
    await database.close();
    await dispatcher.close();
    if (failure) throw failure;
  };
  return {
    ledger,
    deeds: () => nth,
    more: async (deeds) => {
      for (const end = nth + deeds; nth < end; await sleep(50)) {
        if (failure) throw failure;
        if (signal.aborted) throw new Error('the town has been stopped');
      }
    },
    stop: () => {
      stopped ??= end();
      return stopped;
    },
  };
}

/** Waits, or until it is time to stop. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal }).catch(() => {});
