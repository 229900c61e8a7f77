import { userInfo } from 'node:os';
import { CAUSES, type Cause, type Plan } from '@strangler/plan';
import { UsageError } from '../command-line.ts';
import type { Output } from '../commands.ts';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { sayEntry } from './entry-name.ts';
import { expectKept } from './expect.ts';
import { printList, printShown } from './print.ts';
import { resolve } from './resolve.ts';
import { retry } from './retry.ts';
import { type Undone, type UndoResult, undo, undoOperation } from './undo.ts';
import { list, show } from './view.ts';

/** What the command line said after `quarantine`. */
export type QuarantineArguments = {
  readonly words: readonly string[];
  readonly state: string | undefined;
  readonly user: string | undefined;
  readonly cause: string | undefined;
  readonly operation: string | undefined;
  readonly settled: boolean;
  readonly reason: string | undefined;
  readonly keep: string | undefined;
  readonly seen: string | undefined;
  readonly by: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
};

const STATES = ['open', 'superseded', 'resolved', 'kept', 'all'] as const;

/** Looks into the quarantine, or decides what becomes of it. Gives the exit code. Throws UsageError. */
export async function runQuarantine(plan: Plan, args: QuarantineArguments, output: Output): Promise<number> {
  const [action, ...names] = args.words;
  return refusing(async () => {
    switch (action) {
      case 'list':
        return await runList(plan, names, args, output);
      case 'show':
        return await runShow(plan, names, args, output);
      case 'retry':
        return await runRetry(plan, names, args, output);
      case 'resolve':
        return await runResolve(plan, names, args, output);
      case 'expect':
        return await runExpect(plan, names, args, output);
      default:
        throw new UsageError(
          `quarantine needs one of list, show, retry, resolve, expect${action ? `, not ${action}` : ''}`,
        );
    }
  });
}

/** What is refused is told as such. */
async function refusing<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof Refusal) throw new Error(`refused: ${error.message}`);
    throw error;
  }
}

async function runList(plan: Plan, names: readonly string[], args: QuarantineArguments, { say }: Output) {
  const { user, operation, settled, reason } = args;
  if (reason !== undefined) throw new UsageError('quarantine list takes --cause WORD; --reason is why one decides');
  if (settled && args.state !== undefined) throw new UsageError('--settled and --state exclude each other');
  const state = among('--state', STATES, args.state) ?? (operation === undefined ? 'open' : 'all');
  const status = settled ? 'settled' : state === 'all' ? undefined : state;
  const cause = causeOf(args);
  const entries = await list(plan, { capabilities: known(plan, names), status, user, cause, operation });
  if (!args.json) say(printList(entries));
  else say(JSON.stringify({ entries: entries.map((entry) => ({ name: sayEntry(entry.stream, entry.id), ...entry })) }));
  return 0;
}

async function runShow(plan: Plan, names: readonly string[], { json }: QuarantineArguments, { say }: Output) {
  if (names.length !== 1) throw new UsageError('quarantine show takes one entry');
  const shown = await show(plan, names[0]!);
  say(json ? JSON.stringify(shown) : printShown(shown));
  return 0;
}

async function runRetry(plan: Plan, names: readonly string[], args: QuarantineArguments, { say }: Output) {
  if (!args.all && !names.length) throw new UsageError('quarantine retry takes entries, or --all');
  const which = args.all ? { capabilities: known(plan, names, syncedCapabilities(plan)) } : { entries: names };
  const results = await retry(plan, which, args.by ?? userInfo().username, args.reason ?? '');
  if (args.json) say(JSON.stringify({ results }));
  else if (!results.length) say('nothing is open');
  else for (const { entry, says } of results) say(`${entry}: ${says}`);
  return results.every(({ settled }) => settled) ? 0 : 1;
}

async function runResolve(plan: Plan, names: readonly string[], args: QuarantineArguments, { say }: Output) {
  const keep = among('--keep', ['owner', 'late'] as const, args.keep);
  if (!names.length || !keep) throw new UsageError('quarantine resolve takes entries and --keep owner or --keep late');
  if (!args.reason) throw new UsageError('quarantine resolve needs --reason: it is kept with the decision');
  if (args.seen !== undefined && names.length > 1) throw new UsageError('--seen belongs to one entry');
  const { reason, seen, json, by = userInfo().username } = args;
  const settled = new Set<string>();
  for (const name of names) {
    if (settled.has(name)) continue; // together with an earlier one
    const { entries, owner, operation, arrived } = await resolve(plan, name, { keep, reason, by, seen });
    for (const entry of entries) settled.add(entry);
    const what = keep === 'owner' ? `the owner’s row (${owner}) was kept` : `the late write was kept, on the ${owner}`;
    const there = arrived
      ? 'both sides are equal'
      : 'the other side does not have it yet; strangler status shows whether the streams run';
    say(
      json ? JSON.stringify({ entries, keep, owner, operation, arrived }) : `${entries.join(', ')}: ${what}; ${there}`,
    );
  }
  return 0;
}

async function runExpect(plan: Plan, names: readonly string[], args: QuarantineArguments, { say }: Output) {
  const { all, reason, json, by = userInfo().username } = args;
  const cause = causeOf(args);
  if (!all && (!names.length || cause)) {
    throw new UsageError('quarantine expect takes entries, or --all and maybe --cause WORD');
  }
  if (!reason) throw new UsageError('quarantine expect needs --reason: it is kept with the decision');
  const capabilities = all ? known(plan, names, syncedCapabilities(plan)) : [];
  const rows = await expectKept(plan, all ? { capabilities, cause } : { entries: names }, by, reason);
  say(json ? JSON.stringify({ rows }) : `${rows} ${rows === 1 ? 'row' : 'rows'} called expected`);
  return 0;
}

/** Puts back what was overwritten. Gives the exit code. Throws UsageError. */
export async function runUndo(
  plan: Plan,
  { words, operation, seen, reason, by = userInfo().username, json }: QuarantineArguments,
  { say }: Output,
): Promise<number> {
  if (!words.length === (operation === undefined)) throw new UsageError('undo takes entries, or --operation ID');
  if (!reason) throw new UsageError('undo needs --reason: it is kept with the decision');
  if (seen !== undefined && words.length !== 1) throw new UsageError('--seen belongs to one entry');
  const all: UndoResult[] = [];
  await refusing(async () => {
    if (operation !== undefined) all.push(await undoOperation(plan, operation, { by, reason }));
    else for (const name of words) all.push(await undo(plan, name, { by, reason, seen }));
  });
  if (json) say(JSON.stringify(all));
  else for (const { operation: id, results } of all) for (const one of results) say(sayUndone(one, id));
  return all.every(({ results }) => results.every(({ undone }) => undone)) ? 0 : 1;
}

function sayUndone({ entries, undone, says, arrived }: Undone, operation: string): string {
  if (!undone) return `${entries.join(', ')}: not undone: ${says}`;
  const there = arrived ? 'both sides are equal' : 'the other side does not have it yet; strangler status shows why';
  return `${entries.join(', ')}: ${says}; ${there}. To take this back: strangler undo --operation ${operation} --reason "…"`;
}

const causeOf = ({ cause }: QuarantineArguments): Cause | undefined => among('--cause', CAUSES, cause);

/** Capabilities that were named. Throws UsageError for one that the Plan does not sync. */
function known(plan: Plan, names: readonly string[], otherwise: readonly string[] = []): readonly string[] {
  const all = syncedCapabilities(plan);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length) throw new UsageError(`the Plan syncs no capability ${unknown.join(', ')}: ${all.join(', ')}`);
  return names.length ? names : otherwise;
}

function among<T extends string>(option: string, all: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined || all.includes(text as T)) return text as T | undefined;
  throw new UsageError(`${option} ${text} is none of ${all.join(', ')}`);
}
