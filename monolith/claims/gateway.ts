import { toCents } from '../money.ts';

export const LARGEST_PAYMENT = '100000.00';

/** The payment gateway, in-process and deterministic: declines a card ending 0002 and anything above 100000.00. */
export const gatewayDeclines = (amount: string, card: string | undefined): boolean =>
  (card ?? '').replace(/\D/g, '').endsWith('0002') || toCents(amount) > toCents(LARGEST_PAYMENT);
