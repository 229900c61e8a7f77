import { bucketOf, type Side } from '@strangler/plan';
import { inSession } from './holding.ts';
import type { Stack } from './stack.ts';

/** An order of the past, as its database has it now. */
export type PastOrder = { readonly id: number; readonly user: number; readonly key: string };

/** Regular customers who stay on a side while the boundary is anywhere from 10 to 50 %: nobody else writes to them. */
export function staysOn(side: Side, user: number): boolean {
  const bucket = bucketOf('shop', String(user));
  return side === 'service' ? bucket < 1_000 : bucket >= 5_000;
}

/** The address of the database that a side's owner writes to. */
export const homeOf = ({ addresses }: Stack, side: Side): string =>
  (side === 'service' ? addresses.orders : addresses.monolith).admin;

/** Orders of regular customers who stay on a side. */
export const pastOrders = (stack: Stack, side: Side): Promise<PastOrder[]> =>
  inSession(homeOf(stack, side), async (session) => {
    const { rows } = await session.query<{ id: number; user_id: number; idempotency_key: string }>(
      "SELECT id, user_id, idempotency_key FROM orders WHERE idempotency_key LIKE 'history-%' ORDER BY id",
    );
    return rows
      .map(({ id, user_id, idempotency_key }) => ({ id: Number(id), user: Number(user_id), key: idempotency_key }))
      .filter(({ user }) => staysOn(side, user));
  });
