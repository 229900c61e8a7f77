import { describe, expect, test } from '@jest/globals';
import type { Session, Value } from '@strangler/ledger';
import type { AppliedLate, Correction, RootImage } from '../rows/change.ts';
import { correct } from './corrections.ts';

/** What is written into a session that takes everything: each row of strangler_correction. */
async function written(roots: readonly RootImage[], late: readonly AppliedLate[] = []): Promise<string[]> {
  const rows: string[] = [];
  const query = async (_: string, values: readonly Value[]) => {
    for (let at = 2; at < values.length; at += 3) rows.push(String(values[at]));
    return { rows: [], affected: 1 };
  };
  const session = { query } as unknown as Session;
  await correct(session, 'shop', new Map([['7', roots]]), new Map([['7', late]]));
  return rows;
}
const root = (id: number, characters: number): RootImage => ({
  ...{ table: 'orders', key: { id: String(id) }, children: [] },
  row: { id: String(id), user_id: '7', notes: '"'.repeat(characters) },
});

describe('corrections', () => {
  test('carry many aggregates in one row', async () => {
    const roots = Array.from({ length: 300 }, (_, id) => root(id, 10));
    expect(await written(roots)).toHaveLength(1);
    expect(await written([])).toHaveLength(1);
  });

  test('of long rows are cut, so that each is a message that Kafka takes; nothing is left out', async () => {
    const roots = Array.from({ length: 200 }, (_, id) => root(id, 60_000));
    const late = roots.map(({ row }): AppliedLate => ({ table: 'orders', before: null, after: row, epoch: 3 }));
    const rows = await written(roots, late);
    // In the message the row is a text, whose quotation marks and backslashes are escaped once more.
    expect(Math.max(...rows.map((row) => JSON.stringify(row).length))).toBeLessThan(8 * 1024 * 1024);
    const said = rows.map((row) => JSON.parse(row) as Correction);
    expect(said.flatMap((one) => one.roots).map(({ key }) => key)).toEqual(roots.map(({ key }) => key));
    expect(said.flatMap((one) => one.late).map(({ after }) => after!.id)).toEqual(roots.map(({ key }) => key.id));
  });

  test('of an aggregate that no message takes are not written: who cannot send them stops, and says which it is', async () => {
    await expect(written([root(1, 10), root(2, 17_000_000)])).rejects.toThrow(
      /^the target refuses a correction of orders 2: 65 MiB with what belongs to it, of which a message takes 64;/,
    );
    expect(await written([root(2, 16_000_000)])).toHaveLength(1);
  });
});
