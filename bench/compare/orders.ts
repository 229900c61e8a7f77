type Order = {
  readonly id: number;
  readonly status: string;
  readonly total: string;
  readonly createdAt: string;
  readonly items: readonly { readonly productId: number; readonly quantity: number; readonly price: string }[];
};

const STATES = ['placed', 'paid', 'shipped'];

/** A list of orders like those of the example. */
export const orders = (count: number): readonly Order[] =>
  Array.from({ length: count }, (_, at) => ({
    id: 1001 + 2 * at,
    status: STATES[at % 3]!,
    total: `${at}.50`,
    createdAt: new Date(1.7e12 + at * 1000).toISOString(),
    items: [
      { productId: at % 97, quantity: 1 + (at % 3), price: '9.99' },
      { productId: at % 89, quantity: 1, price: '19.90' },
    ].slice(0, 1 + (at % 2)),
  }));

/** What the candidate answers, and how many differences a person would name. */
export type Change = {
  readonly name: string;
  /** Who by design does not see it: elements told apart by a key have no order. */
  readonly unseenBy?: readonly string[];
  readonly about: string;
  readonly make: (old: readonly Order[]) => unknown;
};

export const CHANGES: readonly Change[] = [
  { name: 'equal', about: 'the same values, other blanks', make: (old) => old },
  {
    name: 'changed',
    about: 'every tenth total is off by a cent',
    make: (old) =>
      old.map((order, at) => (at % 10 === 3 ? { ...order, total: order.total.replace('.50', '.51') } : order)),
  },
  { name: 'inserted', about: 'one order more at the beginning', make: (old) => [{ ...old[0], id: 1 }, ...old] },
  {
    name: 'swapped',
    unseenBy: ['json-diff-ts'],
    about: 'two orders have changed places',
    make: (old) => [...old.slice(0, 5), old[6], old[5], ...old.slice(7)],
  },
];
