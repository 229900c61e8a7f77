import { readFileSync } from 'node:fs';

/** One product of the shop: a distinct (cds, dollars) pair of CDNOW. */
export type Product = { readonly id: number; readonly title: string; readonly cents: number; readonly sold: number };

/** One CDNOW purchase; its key is the Idempotency-Key of the order it becomes. */
export type Purchase = {
  readonly number: number;
  readonly key: string;
  readonly userId: number;
  readonly customer: number;
  readonly date: string;
  readonly product: Product;
};

/** What the rehearsal runs on. */
export type Input = {
  readonly customers: readonly number[];
  readonly products: readonly Product[];
  /** Purchases of 1997: orders already in the monolith. */
  readonly history: readonly Purchase[];
  /** Purchases of 1998, in order of date: the live traffic. */
  readonly live: readonly Purchase[];
};

const FILE = new URL('../data/cdnow.csv', import.meta.url);

/** The monolith mints odd ids; what we load follows it. */
const oddId = (nth: number): number => 2 * nth - 1;

/** The user a customer becomes. */
export const userIdOf = (customer: number): number => oddId(customer);

/** The login of a customer. */
export const emailOf = (customer: number): string => `customer-${customer}@cdnow.example`;

/** Reads CDNOW whole, or only every tenth customer. Throws if the file is not what its README says. */
export function readInput(quick: boolean): Input {
  const lines = readFileSync(FILE, 'utf8').trim().split('\n');
  if (lines.shift()?.trim() !== 'customer_id,date,cds,dollars') throw new Error(`${FILE.pathname} has another header`);
  const rows = lines
    .map((line, at) => {
      const [customer, date, cds, dollars] = line.trim().split(',') as [string, string, string, string];
      return { number: at + 1, customer: Number(customer), date, cds: Number(cds), dollars };
    })
    .filter(({ customer }) => !quick || customer % 10 === 0);
  const sold = new Map<string, number>();
  for (const { cds, dollars } of rows) sold.set(`${cds}:${dollars}`, (sold.get(`${cds}:${dollars}`) ?? 0) + 1);
  const products = new Map<string, Product>();
  for (const [pair, count] of sold) {
    const [cds, dollars] = pair.split(':') as [string, string];
    const cents = Math.round(Number(dollars) * 100);
    const title = `${cds} CD${cds === '1' ? '' : 's'} for ${dollars}`;
    products.set(pair, { id: oddId(products.size + 1), title, cents, sold: count });
  }
  const purchases = rows.map(({ number, customer, date, cds, dollars }) => ({
    number,
    key: `cdnow-${number}`,
    userId: userIdOf(customer),
    customer,
    date,
    product: products.get(`${cds}:${dollars}`)!,
  }));
  const live = purchases.filter(({ date }) => date >= '1998');
  return {
    customers: [...new Set(rows.map(({ customer }) => customer))],
    products: [...products.values()],
    history: purchases.filter(({ date }) => date < '1998'),
    live: live.sort((a, b) => a.date.localeCompare(b.date) || a.number - b.number),
  };
}
