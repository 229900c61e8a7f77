import { expect } from '@jest/globals';
import { compareReplies } from './compare-replies.ts';
import { describeResult } from './describe.ts';
import { type ReplySource, toReply } from './reply.ts';
import type { RuleSet } from './rule-set.ts';
import type { Rule } from './rules.ts';

declare module 'expect' {
  // The type parameters must be those of the interface that is widened.
  interface Matchers<R extends void | Promise<void>, T> {
    /**
     * Passes if this reply agrees with the old one, by itself or by the rules. Give the same RuleSet to several
     * expectations to have ids learned from one enforced in the next.
     */
    toMatchLegacy(old: ReplySource, rules?: RuleSet | readonly Rule[]): R;
  }
}

expect.extend({
  toMatchLegacy(received: unknown, old: unknown, rules: RuleSet | readonly Rule[] = []) {
    const result = compareReplies(toReply(old as ReplySource), toReply(received as ReplySource), rules);
    const pass = result.kind === 'equal' || result.kind === 'equal-by-rule';
    const hint = this.utils.matcherHint(`${this.isNot ? 'not.' : ''}toMatchLegacy`, 'newReply', 'oldReply');
    return { pass, message: () => `${hint}\n\n${describeResult(result)}` };
  },
});
