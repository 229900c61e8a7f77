import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StateRow } from '@strangler/ledger';
import type { DecisionRecord } from '@strangler/plan';
import type { NewRecord, Store } from './store.ts';

type Lease = { readonly holder: string; readonly expires: number };

/**
 * Keeps state in a file, for a Plan without databases: `file` holds the states, `file.records` one JSON record per line,
 * `file.lease` who is active. Every replacement is a rename, so a crash leaves the old file or the new one.
 */
export async function fileStore(file: string): Promise<Store> {
  await mkdir(dirname(file), { recursive: true });
  let queue: Promise<unknown> = Promise.resolve();
  const alone = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = queue.then(task);
    queue = turn.catch(() => {});
    return turn;
  };
  const readStates = async (): Promise<StateRow[]> => JSON.parse((await read(file)) ?? '[]') as StateRow[];
  const readRecords = async (): Promise<DecisionRecord[]> =>
    ((await read(`${file}.records`)) ?? '').split('\n').flatMap((line) => parse<DecisionRecord>(line));
  let last = (await readRecords()).at(-1)?.id ?? 0;
  const append = async (record: NewRecord) => {
    const whole = { id: ++last, at: new Date().toISOString(), ...record };
    // A line of its own also after one that a crash has torn.
    await appendFile(`${file}.records`, `\n${JSON.stringify(whole)}`);
  };
  return {
    read: () => alone(readStates),
    write: (row, also) =>
      alone(async () => {
        const rows = await readStates();
        const present = rows.find(({ capability }) => capability === row.capability);
        if ((present?.version ?? 0) !== row.version - 1) return false;
        if (also?.record) await append(also.record);
        const others = rows.filter((other) => other !== present);
        await replace(file, JSON.stringify([...others, row]));
        return true;
      }),
    record: (record) => alone(() => append(record)),
    records: ({ capability, after = 0, limit = 100 }) =>
      alone(async () =>
        (await readRecords())
          .filter((record) => record.id > after && (!capability || record.capability === capability))
          .slice(0, limit),
      ),
    lease: (holder, ttl) =>
      alone(async () => {
        const lease = parse<Lease>((await read(`${file}.lease`)) ?? '')[0];
        if (lease && lease.holder !== holder && lease.expires > Date.now()) return false;
        await replace(`${file}.lease`, JSON.stringify({ holder, expires: Date.now() + ttl }));
        return ttl > 0;
      }),
  };
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { flush: true });
  await rename(`${file}.new`, file);
}

/** The value of a JSON text, in a list; an empty list for a torn line. */
function parse<T>(text: string): T[] {
  try {
    return [JSON.parse(text) as T];
  } catch {
    return [];
  }
}
