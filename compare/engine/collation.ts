import { isContainer, type Json, type JsonObject } from '../reply/json.ts';

type Order = (a: string, b: string) => number;

const byCodePoint: Order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const caseAndAccentInsensitive: Order = new Intl.Collator('en', { sensitivity: 'base' }).compare;
/** ICU’s order, and that of a C library’s locale, which passes over punctuation. */
const linguistic: Order = new Intl.Collator('en').compare;
const linguisticWithoutPunctuation: Order = new Intl.Collator('en', { ignorePunctuation: true }).compare;

const OLD_ORDERS: readonly Order[] = [caseAndAccentInsensitive, byCodePoint];
const NEW_ORDERS: readonly Order[] = [byCodePoint, linguistic, linguisticWithoutPunctuation];

/**
 * True if both arrays are sorted by their texts in one member, in the same direction: the old one as MySQL does
 * (blind to case and accents, or by bytes), the new one as Postgres does (by code point, or as a language has it).
 */
export function sortedByCollation(old: readonly Json[], newer: readonly Json[], member: string): boolean {
  const [olds, news] = [textsOf(old, member), textsOf(newer, member)];
  if (!olds || !news) return false;
  return [1, -1].some(
    (direction) => isSortedByAny(olds, OLD_ORDERS, direction) && isSortedByAny(news, NEW_ORDERS, direction),
  );
}

const isSortedByAny = (texts: readonly string[], orders: readonly Order[], direction: number) =>
  orders.some((order) => texts.every((text, at) => at === 0 || order(texts[at - 1]!, text) * direction <= 0));

function textsOf(elements: readonly Json[], member: string): string[] | undefined {
  const texts = elements.map((element) => {
    const has = isContainer(element) && !Array.isArray(element) && Object.hasOwn(element, member);
    return has ? (element as JsonObject)[member] : undefined;
  });
  return texts.every((text) => typeof text === 'string') ? (texts as string[]) : undefined;
}
