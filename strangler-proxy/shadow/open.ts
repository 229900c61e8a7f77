import type { Plan, Side } from '@strangler/plan';
import type { Registry } from 'prom-client';
import type { Traffic } from '../traffic.ts';
import type { Users } from './look-again.ts';
import { ShadowMeters } from './meters.ts';
import { readRules, watchRules } from './rules-file.ts';
import { Shadow } from './shadow.ts';

/** What has been written must reach the other side within this time, or nothing is said about it, ms. */
const ARRIVAL_TIMEOUT_MS = 10_000;

/** The shadow a Plan asks for, on this traffic; undefined if no capability wants its reads compared. Throws what is wrong with its rules. */
export function openShadow(plan: Plan, traffic: Traffic, registry: Registry): Shadow | undefined {
  const compared = traffic.capabilities.filter(({ compare }) => compare.share > 0);
  if (!compared.length) return undefined;
  const rules = Object.fromEntries(
    compared.map(({ name, compare: { rules: file } }) => [name, file === undefined ? [] : readRules(file)]),
  );
  const users: Users = {
    ownerOf: ({ routed, user, bucket }) => {
      const decision = traffic.decide(routed.name, user, bucket, true);
      return decision === 'monolith' || decision === 'service' ? decision : undefined;
    },
    arrived: async ({ routed: { name, synced }, user, bucket }) => {
      if (!synced) return true;
      const on = (side: Side) => traffic.confirmations.arrived(name, user, bucket, side, ARRIVAL_TIMEOUT_MS);
      return (await Promise.all([on('monolith'), on('service')])).every(Boolean);
    },
  };
  const meters = new ShadowMeters(registry);
  const [monolith, secret] = [new URL(plan.monolith.url!), plan.control.tokens.proxy];
  const shadow = new Shadow(monolith, compared, traffic.addresses, rules, secret, users, meters);
  for (const { name, compare } of compared) {
    if (compare.rules === undefined) continue;
    shadow.beside(watchRules(compare.rules, (changed) => shadow.use(name, changed), traffic.log));
  }
  return shadow;
}
