import {
  databaseTime,
  exactly,
  lastTick,
  openSession,
  readCheckpoint,
  type Session,
  writeVerify,
} from '@strangler/ledger';
import { type Direction, type Plan, type Side, streamName } from '@strangler/plan';
import { type MappedTable, resolveMapping } from './mapping/mapping.ts';
import { keyRow } from './rows/aggregates.ts';
import { comparePages, type RowDifference, type RowDifferenceKind } from './rows/compare-rows.ts';
import { openStore, type RowStore } from './rows/row-store.ts';
import { sleep } from './sleep.ts';

/** What became of one table. */
export type TableResult = {
  readonly table: string;
  readonly compared: number;
  readonly mismatches: number;
  /** Rows whose parent is missing, by side. */
  readonly orphans: Readonly<Record<Side, number>>;
  /** The first few, by primary key. */
  readonly examples: readonly { readonly kind: RowDifferenceKind; readonly key: string }[];
};

/** What became of a capability; `settled` is false if the streams did not get past the first look. */
export type VerifyResult = {
  readonly capability: string;
  readonly compared: number;
  readonly mismatches: number;
  readonly settled: boolean;
  readonly tables: readonly TableResult[];
};

/** Hears how many rows of a table have been compared so far. */
export type VerifyProgress = (table: string, compared: number) => void;

const LOOKS = 5;
const BETWEEN_LOOKS_MS = 1_000;
const STREAMS_TIMEOUT_MS = 15_000;
const EXAMPLES = 10;

type Sides = Readonly<Record<Side, Session>>;

/**
 * Compares every mapped row of a capability on both sides, in primary-key order. What differs is looked at again, after
 * the streams have passed the first look, and counts only if it differs every time. Keeps the result in the ledger.
 */
export async function verify(
  plan: Plan,
  capability: string,
  progress: VerifyProgress = () => {},
): Promise<VerifyResult> {
  const one = plan.capabilities[capability]!;
  const monolith = await openSession(plan.monolith.database!.applier, 'reader');
  const service = await openSession(one.service.database!.applier, 'reader').catch(async (error) => {
    await monolith.close();
    throw error;
  });
  const sides = { monolith, service };
  try {
    const begun = await databaseTime(monolith);
    const mapping = await resolveMapping(capability, one, monolith, service);
    const suspects: { table: MappedTable; differences: RowDifference[]; compared: number }[] = [];
    for (const table of mapping.values()) {
      const stores = openStores(sides, table);
      suspects.push({ table, ...(await comparePages(table, stores, (compared) => progress(table.name, compared))) });
    }
    const doubtful = suspects.some(({ differences }) => differences.length > 0);
    const settled = doubtful ? await awaitStreams(sides, capability) : true;
    const tables: TableResult[] = [];
    for (const { table, differences, compared } of suspects) {
      const lasting = await lookAgain(table, openStores(sides, table), differences);
      tables.push({
        table: table.name,
        compared,
        mismatches: lasting.length,
        orphans: {
          monolith: await countOrphans(monolith, mapping, table, 'monolith'),
          service: await countOrphans(service, mapping, table, 'service'),
        },
        examples: lasting.slice(0, EXAMPLES).map(({ kind, key }) => ({ kind, key: JSON.stringify(key) })),
      });
    }
    const sum = (of: (result: TableResult) => number) => tables.reduce((total, result) => total + of(result), 0);
    const result = { compared: sum((t) => t.compared), mismatches: sum((t) => t.mismatches), settled, tables };
    await writeVerify(monolith, {
      ...{ capability, begun },
      compared: result.compared,
      mismatches: result.mismatches,
      detail: JSON.stringify({ settled, tables }),
    });
    return { capability, ...result };
  } finally {
    await monolith.close();
    await service.close();
  }
}

const openStores = ({ monolith, service }: Sides, table: MappedTable): Record<Side, RowStore> => ({
  monolith: openStore(monolith, table, 'monolith'),
  service: openStore(service, table, 'service'),
});

/** Rows that differ at every one of several looks, so that a write on its way is no mismatch. */
async function lookAgain(
  table: MappedTable,
  stores: Record<Side, RowStore>,
  differences: readonly RowDifference[],
): Promise<RowDifference[]> {
  let lasting = [...differences];
  for (let look = 1; look < LOOKS && lasting.length; look++) {
    await sleep(BETWEEN_LOOKS_MS, AbortSignal.timeout(BETWEEN_LOOKS_MS * 2));
    const still: RowDifference[] = [];
    for (let at = 0; at < lasting.length; at += 1_000) {
      const keys = lasting.slice(at, at + 1_000).map(({ key }) => key);
      const [monolith, service] = await Promise.all([
        stores.monolith.read(table.key, keys),
        stores.service.read(table.key, keys),
      ]);
      const byKey = (rows: readonly Record<string, string | null>[]) =>
        new Map(rows.map((row) => [JSON.stringify(keyRow(table, row)), row]));
      const [left, right] = [byKey(monolith), byKey(service)];
      for (const key of keys) {
        const name = JSON.stringify(key);
        const [a, b] = [left.get(name), right.get(name)];
        if (JSON.stringify(a) === JSON.stringify(b)) continue;
        still.push({ key, kind: !b ? 'missing in service' : !a ? 'missing in monolith' : 'different' });
      }
    }
    lasting = still;
  }
  return lasting;
}

/**
 * Waits until both streams have applied what their sources had now; false if they do not get there. `nudge` is called again
 * and again meanwhile, to make them move their checkpoints. Throws TickLostError.
 */
export async function awaitStreams(
  { monolith, service }: Sides,
  capability: string,
  nudge: () => Promise<void> = async () => {},
): Promise<boolean> {
  // The next tick stands behind everything that is there now.
  const wanted = { forward: 1 + (await lastTick(monolith)), reverse: 1 + (await lastTick(service)) };
  const passed = async (target: Session, direction: Direction) =>
    (await readCheckpoint(target, streamName(capability, direction))).tick >= wanted[direction];
  for (const until = Date.now() + STREAMS_TIMEOUT_MS; Date.now() < until; ) {
    if ((await passed(service, 'forward')) && (await passed(monolith, 'reverse'))) return true;
    await nudge();
    await sleep(200, AbortSignal.timeout(1_000));
  }
  return false;
}

async function countOrphans(
  session: Session,
  mapping: ReadonlyMap<string, MappedTable>,
  table: MappedTable,
  side: Side,
): Promise<number> {
  if ('column' in table.user) return 0;
  const { user } = table;
  const parent = mapping.get(user.of)!;
  const mark = session.dialect === 'mysql' ? '`' : '"';
  const quote = (name: string) => `${mark}${name.replaceAll(mark, mark + mark)}${mark}`;
  const column = (of: MappedTable, name: string) => of.columns.find((one) => one.name === name)!;
  const key = column(parent, parent.key[0]!);
  const [above, below] = [`p.${quote(key[side].name)}`, `c.${quote(column(table, user.through)[side].name)}`];
  const same =
    key.kind.name === 'text' ? ` AND ${exactly(session.dialect, above)} = ${exactly(session.dialect, below)}` : '';
  const { rows } = await session.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM ${quote(table.tables[side])} c LEFT JOIN ${quote(parent.tables[side])} p
     ON ${above} = ${below}${same} WHERE ${above} IS NULL AND ${below} IS NOT NULL`,
  );
  return Number(rows[0]!.n);
}
