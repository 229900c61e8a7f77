import { expect } from '@jest/globals';
import { PATIENT } from './engine/budget.ts';
import { compareReplies, isAgreed } from './engine/compare-replies.ts';
import { type ReplySource, toReply } from './reply/reply.ts';
import { describeResult } from './report/describe.ts';
import type { RuleSet } from './rules/rule-set.ts';
import type { Rule } from './rules/rules.ts';
import type { Asked } from './rules/scope.ts';

interface LegacyMatchers<R> {
  /**
   * Passes if this reply agrees with the old one, by itself or by the rules. Give the same RuleSet to several
   * expectations to have ids learned from one enforced in the next.
   */
  toMatchLegacy(old: ReplySource, rules?: RuleSet | readonly Rule[]): R;
}

// For those who import expect from @jest/globals. The type parameters must be those of the interface that is widened.
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T> extends LegacyMatchers<R> {}
}

// For those who have @types/jest.
declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: the default of the interface that is widened.
    interface Matchers<R, T = {}> extends LegacyMatchers<R> {}
  }
}

expect.extend({
  toMatchLegacy(received: unknown, old: unknown, rules: RuleSet | readonly Rule[] = []) {
    const [oldReply, newReply] = [toReply(old as ReplySource), toReply(received as ReplySource)];
    const result = compareReplies(oldReply, newReply, rules, { budget: PATIENT, asked: askedOf(received) });
    const pass = isAgreed(result.kind);
    const hint = this.utils.matcherHint(`${this.isNot ? 'not.' : ''}toMatchLegacy`, 'newReply', 'oldReply');
    return { pass, message: () => `${hint}\n\n${describeResult(result)}` };
  },
});

/** A supertest response knows what it answers. */
function askedOf(received: unknown): Asked {
  const { method, url } = (received as { request?: { method?: unknown; url?: unknown } }).request ?? {};
  if (typeof method !== 'string' || typeof url !== 'string' || !URL.canParse(url)) return {};
  return { method, path: new URL(url).pathname };
}
