import {
  type Difference,
  groupId,
  OTHER_ROUTES,
  type Result,
  redactor,
  Tally,
  type UsedRule,
} from '@strangler/compare';
import type { Comparison } from '@strangler/plan';

/** Bounds of what one message tells, so that control takes it; counts are always whole. */
const BOUNDS = { groups: 50, samples: 2, routes: 200 };
const LONGEST_TARGET = 500;
const LONGEST_ROUTE = 200;

const SECRETS_OUT = redactor();

/** Where something was found, as it may be told: long endpoints are counted together. */
export const endpointOf = (route: string): string => (route.length > LONGEST_ROUTE ? OTHER_ROUTES : route);

/** Gathers what was found of each capability, until it is told to control. */
export class ShadowFindings {
  #found = new Map<string, Found>();

  /** Takes in old against new; `target` is what was asked. */
  replies(capability: string, route: string, target: string, result: Result): void {
    this.#of(capability).replies.add(told(route, target, result));
  }

  /** Takes in the monolith against itself, and of what differed that which was there `again` in a third reply. */
  noise(capability: string, route: string, target: string, result: Result, again: readonly Difference[]): void {
    const found = this.#of(capability);
    found.noise.add(told(route, target, result));
    for (const { kind, path } of again) found.again.add(groupId(endpointOf(route), kind, path));
  }

  /** Takes in what the rules have excused since the last time. */
  used(capability: string, rules: readonly UsedRule[]): void {
    this.#of(capability).rules.push(...rules);
  }

  /** Everything since the last time, and begins again. */
  take(): Comparison[] {
    const taken = [...this.#found].map(([capability, { replies, noise, again, rules }]) => {
      return { capability, replies: replies.report(), noise: noise.report(), again: [...again], rules };
    });
    this.#found = new Map();
    return taken;
  }

  #of(capability: string): Found {
    const found = this.#found.get(capability) ?? new Found();
    this.#found.set(capability, found);
    return found;
  }
}

class Found {
  readonly replies = new Tally(BOUNDS);
  readonly noise = new Tally(BOUNDS);
  readonly again = new Set<string>();
  readonly rules: UsedRule[] = [];
}

function told(route: string, target: string, result: Result) {
  const at = result.differences.length ? SECRETS_OUT.url(target).slice(0, LONGEST_TARGET) : undefined;
  // Of a comparison that came to nothing no difference is told.
  const counted = result.kind === 'mismatch' ? result : { ...result, differences: [] };
  return { route: endpointOf(route), result: counted, ...(at !== undefined && { at }) };
}
