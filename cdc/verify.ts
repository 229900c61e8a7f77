import { databaseTime, lastTick, openSession, readCheckpoint, type Session, writeVerify } from '@strangler/ledger';
import { type Direction, otherSide, type Plan, type Side, streamName } from '@strangler/plan';
import { findViolations, readRules, stillThere } from './integrity/look.ts';
import type { RowRule, Violation, ViolationKind } from './integrity/row-rule.ts';
import { takenBy } from './integrity/taken.ts';
import { type MappedTable, resolveMapping } from './mapping/mapping.ts';
import type { UniqueKey } from './mapping/unique-keys.ts';
import { keyRow } from './rows/aggregates.ts';
import { comparePages, type RowDifference } from './rows/compare-rows.ts';
import { openStore } from './rows/open-store.ts';
import type { RowStore } from './rows/row-store.ts';
import { sleep } from './sleep.ts';

/** What became of one table. */
export type TableResult = {
  readonly table: string;
  readonly compared: number;
  readonly mismatches: number;
  /** Rows that refer to a row which is not there, by side: by a foreign key of either side, or as the way to their user. */
  readonly orphans: Readonly<Record<Side, number>>;
  /** Rows whose values another row of that side has, too, although a key of either side, or the Plan, says that none may. */
  readonly doubles: Readonly<Record<Side, number>>;
  /** The first few, by primary key. */
  readonly examples: readonly { readonly kind: string; readonly key: string }[];
};

/**
 * What became of a capability: rows that differ, orphans and doubles; `settled` is false if the streams did not get past the
 * first look.
 */
export type VerifyResult = {
  readonly capability: string;
  readonly compared: number;
  readonly mismatches: number;
  readonly violations: number;
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
 * Compares every mapped row of a capability on both sides, in primary-key order, and looks on each for rows without the row
 * they refer to and for values that are there twice. What is wrong is looked at again, after the streams have passed the
 * first look, and counts only if it is wrong every time. Keeps the result in the ledger, where all of it counts.
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
    const { rules, keys } = await readRules(sides, mapping);
    const suspected = await findViolations(sides, rules);
    const doubtful = suspected.length > 0 || suspects.some(({ differences }) => differences.length > 0);
    const settled = doubtful ? await awaitStreams(sides, capability) : true;
    const violations = await lookAgainFor(sides, rules, suspected);
    const tables: TableResult[] = [];
    for (const { table, differences, compared } of suspects) {
      const lasting = await lookAgain(table, openStores(sides, table), differences);
      tables.push({
        table: table.name,
        compared,
        mismatches: lasting.length,
        ...sumUp(violations, table),
        examples: [
          ...(await explain(sides, table, keys.get(table.name)!, lasting.slice(0, EXAMPLES))),
          ...violations
            .filter((one) => one.table === table.name)
            .slice(0, EXAMPLES)
            .map(sayViolation),
        ],
      });
    }
    const sum = (of: (result: TableResult) => number) => tables.reduce((total, result) => total + of(result), 0);
    const result = {
      ...{ compared: sum((t) => t.compared), mismatches: sum((t) => t.mismatches) },
      ...{ violations: violations.length, settled, tables },
    };
    await writeVerify(monolith, {
      ...{ capability, begun },
      compared: result.compared,
      mismatches: result.mismatches + result.violations,
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

/** Says of rows that are missing what has their place, if that is so. */
async function explain(
  sides: Sides,
  table: MappedTable,
  keys: readonly UniqueKey[],
  differences: readonly RowDifference[],
): Promise<TableResult['examples']> {
  const examples: { kind: string; key: string }[] = [];
  for (const { kind, key } of differences) {
    const example = { kind, key: JSON.stringify(key) };
    const side = SIDES.find((one) => kind === `missing in ${one}`);
    const [row] = side ? await openStores(sides, table)[otherSide(side)].read(table.key, [key]) : [];
    const taken = side && row && (await takenBy(sides[side], table, side, keys, row));
    examples.push(taken ? { ...example, kind: `${kind}: ${taken}` } : example);
  }
  return examples;
}

const SIDES = ['monolith', 'service'] as const;

/** Rows that break a rule at every one of several looks: a parent may come behind its child. */
async function lookAgainFor(
  sides: Sides,
  rules: readonly RowRule[],
  suspected: readonly Violation[],
): Promise<Violation[]> {
  let lasting = [...suspected];
  for (let look = 1; look < LOOKS && lasting.length; look++) {
    await sleep(BETWEEN_LOOKS_MS, AbortSignal.timeout(BETWEEN_LOOKS_MS * 2));
    lasting = await stillThere(sides, rules, lasting);
  }
  return lasting;
}

function sumUp(violations: readonly Violation[], { name }: MappedTable): Pick<TableResult, 'orphans' | 'doubles'> {
  const count = (wanted: ViolationKind, on: Side) =>
    new Set(
      violations
        .filter(({ kind, side, table }) => kind === wanted && side === on && table === name)
        .map(({ key }) => key),
    ).size;
  const both = (kind: ViolationKind) => ({ monolith: count(kind, 'monolith'), service: count(kind, 'service') });
  return { orphans: both('orphan'), doubles: both('double') };
}

const sayViolation = ({ kind, side, what, key }: Violation) => ({
  kind: kind === 'orphan' ? `an orphan in the ${side}: ${what}` : `there twice in the ${side}: ${what}`,
  key,
});

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
