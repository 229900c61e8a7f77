import { readFileSync } from 'node:fs';
import { type Rule, validateRules } from '@strangler/compare';
import type { Plan } from '@strangler/plan';
import type { Registry } from 'prom-client';
import type { Traffic } from '../traffic.ts';
import { ShadowMeters } from './meters.ts';
import { Shadow, type Users } from './shadow.ts';

/** What has been written must reach the other side within this time, or nothing is said about it, ms. */
const ARRIVES_WITHIN = 10_000;

/** The shadow a Plan asks for, on this traffic; undefined if no capability wants its reads compared. Throws RuleError. */
export function openShadow(plan: Plan, traffic: Traffic, registry: Registry): Shadow | undefined {
  const compared = traffic.capabilities.filter(({ compare }) => compare.share > 0);
  if (!compared.length) return undefined;
  const rules = Object.fromEntries(compared.map(({ name, compare }) => [name, readRules(compare.rules)]));
  const users: Users = {
    ownerOf: ({ routed, user, bucket }) => {
      const decision = traffic.decide(routed.name, user, bucket, true);
      return decision === 'monolith' || decision === 'service' ? decision : undefined;
    },
    arrived: async ({ routed: { name, synced }, user, bucket }, from) =>
      !synced || traffic.confirmations.wait(name, user, bucket, from, ARRIVES_WITHIN),
  };
  const meters = new ShadowMeters(registry);
  return new Shadow(new URL(plan.monolith.url!), compared, rules, plan.control.tokens.proxy, users, meters);
}

function readRules(file: string | undefined): readonly Rule[] {
  if (file === undefined) return [];
  let rules: unknown;
  try {
    rules = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`the rules in ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return validateRules(rules);
}
