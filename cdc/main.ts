import { errorForLog, loadPlan, type Plan, PlanError } from '@strangler/plan';
import pino from 'pino';
import { type Cdc, startCdc } from './cdc.ts';
import { type Command, readCommand, UsageError } from './command-line.ts';
import { runDoctor, runVerify } from './commands.ts';
import { createMetrics, type SyncMetrics } from './metrics.ts';
import { syncedCapabilities } from './names.ts';
import { sayBackfill } from './progress-line.ts';
import { runQuarantine, runUndo } from './quarantine/commands.ts';
import { runCopy } from './recopy/commands.ts';
import { init } from './setup/init.ts';
import { remove } from './setup/remove.ts';
import { runSurvey } from './survey/commands.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

const output = { say, progress: (line: string) => void (process.stderr.isTTY && complain(line)) };

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if ('help' in command) {
    say(command.help);
    return 0;
  }
  const plan = loadPlan(command.plan);
  if (!syncedCapabilities(plan).length) {
    complain(`${command.plan} has no capability with tables: there is nothing to sync`);
    return command.name === 'run' ? 2 : 0;
  }
  switch (command.name) {
    case 'run':
      return run(plan, command.metrics);
    case 'init':
      await init(plan, { apply: command.apply, createUsers: command.createUsers, say });
      return 0;
    case 'remove':
      return removeIfSure(plan, command);
    case 'verify':
      return runVerify(plan, command.words, command.json, output);
    case 'survey':
      return runSurvey(plan, command, output);
    case 'recopy':
    case 'repair':
      return runCopy(plan, command.name, command, output);
    case 'quarantine':
      return runQuarantine(plan, command, output);
    case 'undo':
      return runUndo(plan, command, output);
    case 'doctor':
      return runDoctor(plan, command.json, output);
  }
}

async function run(plan: Plan, address: string | undefined): Promise<number> {
  const log = pino({ name: 'cdc', serializers: { err: errorForLog } });
  const metrics = createMetrics();
  const cdc = startCdc(plan, {
    log,
    onApplied: metrics.applied,
    say: (capability, status, rate) => {
      log.info({ capability, ...status }, 'backfill');
      if (process.stderr.isTTY) complain(`${capability}.${sayBackfill(status, rate)}`);
    },
  });
  const stopMetrics = address ? await serveMetrics(metrics, address, cdc) : undefined;
  cdc.copied.then(
    () => log.info('every existing row is copied'),
    () => {},
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  log.info('stopping');
  await stopMetrics?.();
  await cdc.stop();
  return 0;
}

async function serveMetrics(metrics: SyncMetrics, address: string, cdc: Cdc): Promise<() => Promise<void>> {
  try {
    return await metrics.serve(address, cdc);
  } catch (cause) {
    await cdc.stop();
    throw new Error(`metrics cannot be served at ${address}; name another with --metrics HOST:PORT`, { cause });
  }
}

async function removeIfSure(plan: Plan, { yes }: Command): Promise<number> {
  if (!yes) {
    complain(`this takes away every connector, slot, topic and strangler_ table of ${plan.name}; add --yes to do it`);
    return 2;
  }
  await remove(plan, say);
  return 0;
}

/** Why an error came about, as far down as it says. */
function complainOf(error: unknown): void {
  complain(error instanceof Error ? error.message : String(error));
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
    complain(`  because: ${cause.message || (cause as NodeJS.ErrnoException).code}`);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  complainOf(error);
  process.exitCode = error instanceof PlanError || error instanceof UsageError ? 2 : 1;
}
