const NUMBER = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Numbers of a document with more digits than this are written with an exponent: 1e999999999 is eleven characters long. */
const LONGEST_PLAIN = 64;

/** True for the text of a number, with or without an exponent. */
export function isNumber(text: string): boolean {
  const match = NUMBER.exec(text);
  return Boolean(match?.[2] || match?.[3]);
}

/**
 * One text for equal numbers, every digit kept: `1.50` is `1.5`, `1E3` is `1000`, `-0` is `0`; beyond `longest` digits
 * `1E400` is `1e400`. The text must be one of a number.
 */
export function canonicalNumber(text: string, longest = LONGEST_PLAIN): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text)!;
  const all = whole + fraction;
  let [from, to] = [0, all.length];
  while (all[from] === '0') from++;
  while (to > from && all[to - 1] === '0') to--;
  const digits = all.slice(from, to);
  if (!digits) return '0';
  const own = whole.length - from; // without its exponent the value is 0.digits × 10^own
  const point = own + Number(exponent);
  const length = point <= 0 ? digits.length - point : Math.max(point, digits.length);
  if (length > longest) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits[0]}${rest}e${BigInt(own - 1) + BigInt(exponent)}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The shortest canonical text of the double nearest to a number; undefined beyond the largest. */
export function shortestDouble(text: string): string | undefined {
  const double = Number(text);
  return Number.isFinite(double) ? canonicalNumber(String(double)) : undefined;
}

/** The canonical text with every digit of a double. */
export function exactDouble(double: number): string {
  let scaled = double;
  let halvings = 0n;
  for (; !Number.isInteger(scaled); halvings++) scaled *= 2;
  return canonicalNumber(`${BigInt(scaled) * 5n ** halvings}e-${halvings}`); // 1/2ⁿ is 5ⁿ/10ⁿ
}

/** True for an integer that MySQL's JSON keeps as one, of 64 bits with or without a sign. */
export function isStoredInteger(text: string): boolean {
  if (!/^-?\d{1,20}$/.test(text)) return false;
  const value = BigInt(text);
  return value >= -(2n ** 63n) && value < 2n ** 64n;
}
