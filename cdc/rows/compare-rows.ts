import type { Side } from '@strangler/plan';
import { columnOf, keyFrom, type MappedTable, type Row } from '../mapping/mapping.ts';
import type { Kind } from '../mapping/value-kinds.ts';
import { keyRow } from './aggregates.ts';
import { sameRow } from './disposition.ts';
import type { RowStore } from './row-store.ts';

/** How a row differs between both sides. */
export type RowDifferenceKind = 'missing in service' | 'missing in monolith' | 'different';

/** One row that is not the same on both sides. */
export type RowDifference = { readonly key: Row; readonly kind: RowDifferenceKind };

const PAGE = 5_000;

/** Walks both sides in primary-key order and gives every row that is not the same. */
export async function comparePages(
  table: MappedTable,
  stores: Readonly<Record<Side, RowStore>>,
  onProgress: (compared: number) => void,
): Promise<{ compared: number; differences: RowDifference[] }> {
  const left = new Walk(stores.monolith);
  const right = new Walk(stores.service);
  const differences: RowDifference[] = [];
  let compared = 0;
  for (;;) {
    if (left.empty || right.empty) await Promise.all([left.turn(), right.turn()]);
    const [a, b] = [left.row, right.row];
    if (!a && !b) break;
    if (++compared % PAGE === 0) onProgress(compared);
    const order = !a ? 1 : !b ? -1 : compareKeys(table, a, b);
    if (order < 0) differences.push({ key: keyRow(table, a!), kind: 'missing in service' });
    else if (order > 0) differences.push({ key: keyRow(table, b!), kind: 'missing in monolith' });
    else if (!sameRow(table, a!, b!)) differences.push({ key: keyRow(table, a!), kind: 'different' });
    if (order <= 0) left.step();
    if (order >= 0) right.step();
  }
  onProgress(compared);
  return { compared, differences };
}

/** Rows one after the other, read a page at a time. */
class Walk {
  readonly #store: RowStore;
  #page: readonly Row[] = [];
  #at = 0;
  #last: Row | null = null;
  #ended = false;

  constructor(store: RowStore) {
    this.#store = store;
  }

  /** The present row; undefined at the end. */
  get row(): Row | undefined {
    return this.#page[this.#at];
  }

  /** True if the next page has to be read first. */
  get empty(): boolean {
    return this.#at >= this.#page.length && !this.#ended;
  }

  step(): void {
    this.#at++;
  }

  async turn(): Promise<void> {
    if (!this.empty) return;
    this.#page = await this.#store.page(this.#last, PAGE);
    this.#at = 0;
    this.#last = this.#page.at(-1) ?? this.#last;
    this.#ended = this.#page.length < PAGE;
  }
}

/** The order of two primary keys, as both databases sort them. */
export function compareKeys(table: MappedTable, a: Row, b: Row): number {
  for (const name of table.key) {
    const { kind, refers } = columnOf(table, name);
    const order = refers
      ? compareKeys(refers, keyFrom(refers, a[name]!), keyFrom(refers, b[name]!))
      : compareTexts(kind, a[name]!, b[name]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareTexts(kind: Kind, a: string, b: string): number {
  if (a === b) return 0;
  if (kind.name === 'integer' || kind.name === 'decimal') return compareDecimals(a, b);
  if (kind.name === 'double') return Number(a) < Number(b) ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Canonical decimals of any length, which differ. */
function compareDecimals(a: string, b: string): number {
  const negative = a.startsWith('-');
  if (negative !== b.startsWith('-')) return negative ? -1 : 1;
  const [[wholeA = '', fractionA = ''], [wholeB = '', fractionB = '']] = [a.split('.'), b.split('.')];
  const larger =
    wholeA.length === wholeB.length
      ? `${wholeA}.${fractionA}` > `${wholeB}.${fractionB}`
      : wholeA.length > wholeB.length;
  return larger === negative ? -1 : 1;
}
