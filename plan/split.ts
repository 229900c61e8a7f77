import type { Capability } from './capability-schema.ts';
import { BUCKETS } from './words.ts';

/*
 * A capability that splits no users (`split: none`) is one of a single user, everybody, who moves with the whole range: so
 * handoffs, late writes, rollbacks and repairs are those of users, and nothing but this page needs to know another protocol.
 */

/** Whose the requests of a capability are that splits no users. */
export const EVERYBODY = 'everybody';

/** A mistake, and where it is. */
type Needless = { readonly path: readonly (string | number)[]; readonly message: string };
type Block = Readonly<Record<string, unknown>>;

/** What says nothing where all moves at once, and why. */
const OF_REQUESTS = 'says nothing under split: none, where every request is everybody’s: take it out';
const OF_ROWS = 'says nothing under split: none, where rows are everybody’s and move at once: take it out';
const NEEDLESS = {
  group: 'says nothing under split: none, where no users are hashed: take it out',
  ...{ user: OF_REQUESTS, userType: OF_REQUESTS, anonymous: OF_REQUESTS },
};
const NEEDLESS_OF_TABLES = { user: OF_ROWS, unowned: OF_ROWS, shared: OF_ROWS };
const ONE_STEP = 'under split: none there is one step, 100: all of it moves at once; take it out';
const ONE_SLICE = 'says nothing under split: none, where all of it is one slice: take it out';
const NAMED_ALWAYS = 'says nothing under split: none, where no request lacks its user: take it out';

/**
 * The content of a Plan with everybody as one user where it says `split: none`, and what else it says there of users.
 * Whatever is no such block is left for the schema to name.
 */
export function asOneUser(content: unknown): { readonly content: unknown; readonly needless: readonly Needless[] } {
  const needless: Needless[] = [];
  if (!isBlock(content) || !isBlock(content.capabilities)) return { content, needless };
  const capabilities = Object.entries(content.capabilities).map(([name, one]) => [
    name,
    isBlock(one) && one.split === 'none' ? ofEverybody(one, ['capabilities', name], needless) : one,
  ]);
  return { content: { ...content, capabilities: Object.fromEntries(capabilities) }, needless };
}

function ofEverybody(given: Block, at: Needless['path'], needless: Needless[]): Block {
  const without = (block: Block, path: Needless['path'], messages: Readonly<Record<string, string>>): Block => {
    const found = Object.keys(messages).filter((field) => Object.hasOwn(block, field));
    for (const field of found) needless.push({ path: [...path, field], message: messages[field]! });
    return Object.fromEntries(Object.entries(block).filter(([field]) => !found.includes(field)));
  };
  const within = (field: string, messages: Readonly<Record<string, string>>, rest: Block = {}) => {
    const block = given[field] ?? {};
    return isBlock(block) ? { ...without(block, [...at, field], messages), ...rest } : block;
  };
  const isOneStep = isBlock(given.ramp) && Array.isArray(given.ramp.steps) && String(given.ramp.steps) === '100';
  const tables = isBlock(given.tables)
    ? Object.entries(given.tables).map(([name, table]) => [
        name,
        isBlock(table) ? without(table, [...at, 'tables', name], NEEDLESS_OF_TABLES) : table,
      ])
    : undefined;
  return {
    ...without(given, at, NEEDLESS),
    ...{ user: [{ constant: EVERYBODY }], anonymous: 'refuse' },
    ...(tables && { tables: Object.fromEntries(tables) }),
    ramp: within('ramp', isOneStep ? {} : { steps: ONE_STEP }, { steps: [100] }),
    handoff: within('handoff', { slice: ONE_SLICE }, { slice: BUCKETS }),
    guard: within('guard', { withoutUser: NAMED_ALWAYS }),
  };
}

const isBlock = (value: unknown): value is Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Why a capability cannot be at this percentage; undefined if it can. */
export function whyNotAt({ split }: Pick<Capability, 'split'>, percentage: number): string | undefined {
  if (split === 'users' || percentage === 0 || percentage === 100) return undefined;
  return `it cannot be at ${percentage} %: its Plan says split: none, so all of it is on one side, at 0 or 100 %`;
}
