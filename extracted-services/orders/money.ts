/** A decimal string as whole cents: `'12.5'` is 1250n. */
export const toCents = (decimal: string): bigint => {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,2}))?$/.exec(decimal) ?? [];
  if (whole === undefined) throw new RangeError(`not an amount of money: ${decimal}`);
  return BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0'));
};

/** Whole cents as a decimal string with two digits: 1250n is `'12.50'`. */
export const fromCents = (cents: bigint): string => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;

/** What a purchase costs: the sum of quantity times unit price. */
export const totalOf = (lines: readonly { quantity: number; unitPrice: string }[]): string =>
  fromCents(lines.reduce((sum, line) => sum + BigInt(line.quantity) * toCents(line.unitPrice), 0n));
