import { writeFile } from 'node:fs/promises';
import { htmlOf } from '@strangler/compare';
import {
  loadPlan,
  type Owner,
  parseDuration,
  planJsonSchema,
  planReference,
  type RampRequest,
  type Side,
} from '@strangler/plan';
import { AdminClient, Unreachable } from './admin-client.ts';
import { renderCompared } from './compared-view.ts';
import { connectionOf, type Where } from './connection.ts';
import { follow, followUser } from './follow.ts';
import { reportOf } from './live-report.ts';
import { paintFor } from './paint.ts';
import { readPercentage, sayBoundary, sayPercent } from './percent.ts';
import { EXIT, Problem } from './problem.ts';
import { renderProxies } from './proxies-view.ts';
import { renderRecords } from './records-view.ts';
import { renderRoute } from './route-view.ts';
import { readRules } from './rules-file.ts';
import { renderStatus } from './status-view.ts';
import { counted, inert, wrap } from './text.ts';
import { renderUnproven } from './unproven-view.ts';
import { watch } from './watch.ts';

type Waiting = Where & { wait: boolean; reason?: string };

const clientOf = (where: Where): AdminClient => new AdminClient(connectionOf(where));
/** JSON says control characters by their numbers, but for those above ASCII, which a terminal obeys too. */
const printJson = (value: unknown): void => {
  const numbered = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  console.log(JSON.stringify(value, null, 2).replace(/(?!\n)\p{Cc}/gu, numbered));
};
/** Columns to write for: a pipe gets lines that are easy to read, however long the words. */
const width = (): number => process.stdout.columns ?? 100;
const reasonOf = ({ reason }: { reason?: string }): { reason?: string } => (reason === undefined ? {} : { reason });

export async function status(options: Where & { watch?: true; json?: true }): Promise<void> {
  const client = clientOf(options);
  if (options.json && options.watch) throw new Problem('--watch and --json do not go together', EXIT.usage);
  if (options.json) return printJson(await client.status());
  const paint = paintFor(process.stdout);
  const draw = async (): Promise<string[]> =>
    renderStatus(await client.status(), { width: width(), paint, now: Date.now() });
  if (!options.watch) return console.log((await draw()).join('\n'));
  if (!process.stdout.isTTY) throw new Problem('--watch needs a terminal; for a program use --json', EXIT.usage);
  await client.status().catch((error) => {
    if (!(error instanceof Unreachable)) throw error;
  });
  await watch(process.stdout, () =>
    draw().catch((error: Error) => wrap(error.message, width()).map((line) => paint('bad', line))),
  );
}

export async function ramp(
  action: RampRequest['action'],
  capability: string,
  options: Where & { wait?: boolean; steps?: number[]; dwell?: string },
): Promise<void> {
  const { steps, dwell } = options;
  if (dwell !== undefined && parseDuration(dwell) === undefined) {
    throw new Problem(`--dwell ${dwell} is no duration: use 30s, 10m or 1h`, EXIT.usage);
  }
  const client = clientOf(options);
  const began = performance.now();
  const now = await client.ramp(capability, {
    action,
    ...(steps === undefined ? {} : { steps }),
    ...(dwell === undefined ? {} : { dwell }),
  });
  if (action === 'pause') return console.log(`${capability}: paused at ${sayBoundary(now.boundary)}`);
  const last = now.ramp.state === 'ramping' ? now.ramp.steps.at(-1)! : now.target / 100;
  console.log(
    `${capability}: ramp ${action === 'start' ? 'started' : 'resumed'} at ${sayBoundary(now.boundary)}, towards ${sayPercent(last)}`,
  );
  if (action === 'start' && options.wait)
    await follow(client, capability, { kind: 'ramp', boundary: Math.round(last * 100) }, began);
}

const SIDES = ['monolith', 'service', 'none'] as const;

export async function set(capability: string, value: string, options: Waiting & { user?: string }): Promise<void> {
  const { user } = options;
  if (user === undefined) {
    if (SIDES.some((side) => side === value))
      throw new Problem(`which user shall be on ${value}? Name one with --user USER`, EXIT.usage);
    const percentage = readPercentage(value);
    const client = clientOf(options);
    const began = performance.now();
    await client.set(capability, { percentage, ...reasonOf(options) });
    const boundary = Math.round(percentage * 100);
    if (options.wait) return follow(client, capability, { kind: 'set', boundary }, began);
    return console.log(`${capability}: accepted, users move to ${sayPercent(percentage)}; see strangler status`);
  }
  const side = SIDES.find((one) => one === value);
  if (!side)
    throw new Problem(
      `${JSON.stringify(value)} is no side: a user goes to monolith, service or none (pinned no longer)`,
      EXIT.usage,
    );
  const client = clientOf(options);
  await client.set(capability, { user, side: side === 'none' ? null : side, ...reasonOf(options) });
  if (options.wait) return printOwner(await followUser(client, capability, user, side));
  console.log(
    `${capability}: accepted, user ${user} ${side === 'none' ? 'goes where their bucket belongs' : `moves to the ${side}`}`,
  );
}

export async function rollback(capability: string, options: Waiting & { now?: true }): Promise<void> {
  const client = clientOf(options);
  const began = performance.now();
  const { boundary } = await client.rollback(capability, {
    ...(options.now ? { now: true } : {}),
    ...reasonOf(options),
  });
  console.log(`${capability}: rolling back from ${sayBoundary(boundary)}${options.now ? ', at once' : ''}`);
  if (options.wait) await follow(client, capability, { kind: 'rollback', boundary: 0 }, began);
}

export async function settle(
  capability: string,
  options: Where & { lost?: true; reason?: string; json?: true },
): Promise<void> {
  const client = clientOf(options);
  const { unproven } = await client.capability(capability);
  if (options.lost) {
    if (!options.reason) throw new Problem('--lost needs --reason TEXT; it is kept for the audit', EXIT.usage);
    await client.settle(capability, { lost: true, reason: options.reason });
  }
  if (options.json) return printJson(unproven);
  if (!unproven.length) return console.log(`${inert(capability)}: nothing is unproven, so there is nothing to settle`);
  const next = options.lost
    ? 'The service’s database was given up. Before users move again: copy again, then strangler verify'
    : `It settles by itself when the service’s database answers. If that is gone for good: strangler settle ${capability} --lost --reason TEXT`;
  console.log([...renderUnproven(capability, unproven, Date.now()), inert(next)].join('\n'));
}

export async function proxies(options: Where & { json?: true }): Promise<void> {
  const all = (await clientOf(options).status()).proxies;
  if (options.json) return printJson(all);
  console.log(renderProxies(all, { width: width(), paint: paintFor(process.stdout) }).join('\n'));
}

export async function dismiss(name: string, options: Where & { reason?: string }): Promise<void> {
  const client = clientOf(options);
  const proxy = (await client.status()).proxies.find((one) => one.proxy === name);
  if (proxy?.connected) {
    const next = 'only a proxy that is lost can be dismissed; stop it, and it says goodbye itself';
    throw new Problem(`${inert(name)} is linked to control: ${next}`);
  }
  // Said of the loss that is there now: delivered late, it is not said of another one.
  const loss = proxy?.loss;
  await client.dismiss(name, { ...(loss !== undefined && { loss }), ...reasonOf(options) });
  console.log(
    `${inert(name)}: dismissed; control does not wait for it any more. If it links again, it is known again.`,
  );
}

export async function compared(
  capability: string,
  options: Where & { html?: string; forget?: true; json?: true },
): Promise<void> {
  const client = clientOf(options);
  const report = reportOf(await client.compared(capability), new Date());
  const title = `${capability}, live: the monolith’s replies (old) and the service’s (new)`;
  if (options.html !== undefined) await writeFile(options.html, htmlOf(report, { title }));
  if (options.forget) await client.forgetCompared(capability);
  if (options.json) return printJson(report);
  const room = process.stdout.isTTY ? width() : Number.POSITIVE_INFINITY;
  console.log(renderCompared(capability, report, room, paintFor(process.stdout)).join('\n'));
  if (options.forget) console.log(`\n${inert(capability)}: forgotten; comparing begins again`);
}

export async function records(
  capability: string | undefined,
  options: Where & { last: number; json?: true },
): Promise<void> {
  const found = await clientOf(options).lastRecords(options.last, capability);
  if (options.json) return printJson(found);
  const room = process.stdout.isTTY ? width() : Number.POSITIVE_INFINITY;
  console.log(renderRecords(found, room, paintFor(process.stdout)).join('\n'));
}

export async function owner(capability: string, user: string, options: Where & { json?: true }): Promise<void> {
  const found = await clientOf(options).owner(capability, user);
  if (options.json) return printJson(found);
  printOwner(found);
}

/** `Name: value` lines, as names and values in turn. Throws a Problem. */
function headersOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, name, value] = /^([^\s:]+):\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined)
      throw new Problem(`--header ${JSON.stringify(line)} is no header: write it as "Name: value"`, EXIT.usage);
    return [name, value!];
  });
}

export async function route(
  method: string,
  path: string,
  options: Where & { header: readonly string[]; json?: true },
): Promise<void> {
  const { explain, RefusedRequest } = await import('@strangler/proxy');
  const found = await explain(loadPlan(options.plan), method.toUpperCase(), path, headersOf(options.header)).catch(
    (error: Error) => {
      if (!(error instanceof RefusedRequest)) throw error;
      throw new Problem(`a proxy answers it itself, with ${error.code}: ${error.message}`, EXIT.failed);
    },
  );
  const { of } = found;
  const owner =
    of && 'user' in of.identity
      ? await clientOf(options)
          .owner(of.capability, of.identity.user)
          .catch((error: Error) => error.message)
      : undefined;
  if (options.json) return printJson({ ...of, ...(owner !== undefined && { owner }) });
  console.log(renderRoute(found, owner, { width: width(), paint: paintFor(process.stdout) }).join('\n'));
}

function printOwner({ capability, user, bucket, side, moving }: Owner): void {
  const place: Record<Side, string> = { monolith: 'on the monolith', service: 'on the service' };
  const going = moving ? ', and is being moved just now' : '';
  console.log(`${inert(capability)}: user ${inert(user)} (bucket ${bucket}) is ${place[side]}${going}`);
}

export async function check({ plan: file }: { plan: string }): Promise<void> {
  const plan = loadPlan(file);
  for (const { compare } of Object.values(plan.capabilities)) {
    if (compare.rules !== undefined) await readRules(compare.rules);
  }
  const each = Object.entries(plan.capabilities).map(
    ([name, { routes, tables }]) =>
      `  ${name}: ${counted(routes.length, 'route')}, ${counted(Object.keys(tables).length, 'table')}`,
  );
  console.log(`${file} is a valid Plan: ${plan.name}\n${each.join('\n')}`);
}

export function schema({ markdown }: { markdown?: boolean }): void {
  if (markdown) process.stdout.write(planReference());
  else printJson(planJsonSchema());
}
