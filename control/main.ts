import { parseArgs } from 'node:util';
import { openFlags } from '@strangler/flags';
import { errorForLog, loadPlan, type Plan, PlanError } from '@strangler/plan';
import pino from 'pino';
import { startControl } from './control.ts';

const fail = (error: Error, code: number): never => {
  console.error(error.message);
  process.exit(code);
};

const readArguments = () => {
  try {
    return parseArgs({ options: { plan: { type: 'string', default: 'strangler.yaml' } } }).values;
  } catch (error) {
    return fail(error as Error, 2);
  }
};

const readPlan = (file: string): Plan => {
  try {
    return loadPlan(file);
  } catch (error) {
    return fail(error as Error, error instanceof PlanError ? 2 : 1);
  }
};

const plan = readPlan(readArguments().plan);
const log = pino({ name: 'control', serializers: { err: errorForLog } });
const flags = await openFlags(plan, Object.keys(plan.capabilities), (problem) => log.warn(problem));
const control = await startControl({ plan, flags, log }).catch((error: Error) => fail(error, 1));
log.info({ address: control.address }, 'listening');

const STOP_TIMEOUT_MS = 10_000;
const stop = async () => {
  // A database that hangs must not keep the process: what is left over is recovered at the next start.
  setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
  await control.stop();
  await flags.stop();
  process.exit(0);
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
