import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlan, type Plan } from '@strangler/plan';
import { parse, stringify } from 'yaml';
import { HOME } from '../rehearsal/addresses.ts';
import { CAPABILITY, PLAN_FILE } from './addresses.ts';

/** A Plan and the file it is in. */
export type PlanInFile = { readonly file: string; readonly plan: Plan };

/** The tables one thinks of, and whose their rows are. */
const FIRST_TABLES = {
  Articles: { user: 'authorId', touched: ['updatedAt'] },
  Comments: { user: 'authorId' },
  Favorites: { user: 'userId' },
  ArticleTags: { user: { through: 'articleId', of: 'Articles' } },
};

const inFile = (file: string, env: Record<string, string>): PlanInFile => ({ file, plan: loadPlan(file, env) });

/** The Plan as it is once it answers everything. */
export const finalPlan = (env: Record<string, string>): PlanInFile => inFile(PLAN_FILE, env);

/** How long the final Plan may be. */
export const MOST_LINES = 60;

/** How many lines it has, addresses and comments among them. */
export const planLines = (): number => readFileSync(PLAN_FILE, 'utf8').trimEnd().split('\n').length;

/**
 * The Plan on its way. first: the tables one thinks of, and users by the claim of the token. second: users by that address.
 * third: as it ends, but for the keys of which it says that both sides never give the same value away.
 */
export function draftPlan(env: Record<string, string>, draft: 'first' | 'second' | 'third'): PlanInFile {
  const plan = parse(readFileSync(PLAN_FILE, 'utf8'));
  const capability = plan.capabilities[CAPABILITY];
  if (draft === 'third')
    for (const table of Object.values<{ distinct?: unknown }>(capability.tables)) delete table.distinct;
  else {
    capability.routes = ['ANY /api/articles', 'ANY /api/articles/:slug/**'];
    capability.tables = FIRST_TABLES;
    capability.user = capability.user.filter((source: object) => 'jwt' in source);
  }
  if (draft === 'first') {
    capability.user = [{ jwt: { claim: 'email', verify: 'none' } }];
    delete capability.userType;
  }
  const file = join(HOME, `conduit-${draft}.yaml`);
  writeFileSync(file, stringify(plan));
  return inFile(file, env);
}
