import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StateRow } from '@strangler/ledger';
import type { DecisionRecord } from '@strangler/plan';
import type { LeaseStore, NewRecord, ProxyStore, Store } from './store.ts';

type Lease = { readonly holder: string; readonly term: number; readonly expires: number };
type Alone = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * Keeps state in a file, for a Plan without databases: `file` holds the states, `file.records` one JSON record per line,
 * `file.lease` who is active, `file.proxies` the names of proxies. Every replacement is a rename, so a crash leaves the
 * old file or the new one.
 */
export async function fileStores(file: string): Promise<{ store: Store; leases: LeaseStore; proxies: ProxyStore }> {
  await mkdir(dirname(file), { recursive: true });
  let queue: Promise<unknown> = Promise.resolve();
  const alone: Alone = (task) => {
    const turn = queue.then(task);
    queue = turn.catch(() => {});
    return turn;
  };
  const store = await fileStore(file, alone);
  return { store, leases: fileLease(file, alone), proxies: fileProxies(file, alone, store) };
}

function fileLease(file: string, alone: Alone): LeaseStore {
  const path = `${file}.lease`;
  const present = async () => parse<Lease>((await read(path)) ?? '')[0];
  const store = async (lease: Lease): Promise<boolean> => {
    await replace(path, JSON.stringify(lease));
    return (await present())?.holder === lease.holder; // another process may have been faster
  };
  return {
    acquire: (holder, ttl) =>
      alone(async () => {
        const now = Date.now();
        const lease = await present();
        if (lease && lease.holder !== holder && lease.expires > now) return undefined;
        const term = Math.max((lease?.term ?? 0) + 1, Math.floor(now / 1_000));
        return (await store({ holder, term, expires: now + ttl })) ? term : undefined;
      }),
    renew: (term, ttl) =>
      alone(async () => {
        const lease = await present();
        return lease?.term === term && store({ ...lease, expires: Date.now() + ttl });
      }),
    release: (term) =>
      alone(async () => {
        const lease = await present();
        if (lease?.term === term) await store({ ...lease, expires: 0 });
      }),
  };
}

function fileProxies(file: string, alone: Alone, store: Store): ProxyStore {
  const path = `${file}.proxies`;
  const names = async () => JSON.parse((await read(path)) ?? '[]') as string[];
  const isTerm = async (term: number) => parse<Lease>((await read(`${file}.lease`)) ?? '')[0]?.term === term;
  return {
    names: () => alone(names),
    register: (name, term) =>
      alone(async () => {
        if (!(await isTerm(term))) return false;
        await replace(path, JSON.stringify([...new Set([...(await names()), name])]));
        return true;
      }),
    forget: async (name, term, record) => {
      if (!(await alone(() => isTerm(term)))) return false;
      if (record) await store.record(record); // said first: a crash in between leaves a name too many, never one too few
      await alone(async () => replace(path, JSON.stringify((await names()).filter((other) => other !== name))));
      return true;
    },
  };
}

async function fileStore(file: string, alone: Alone): Promise<Store> {
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
    now: async () => new Date().toISOString(),
    record: (record) => alone(() => append(record)),
    records: ({ capability, after = 0, limit = 100 }) =>
      alone(async () =>
        (await readRecords())
          .filter((record) => record.id > after && (!capability || record.capability === capability))
          .slice(0, limit),
      ),
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
