import { loadPlan, type Plan, PlanError } from '@strangler/plan';
import type { ControlAccess } from './admin-client.ts';
import { EXIT, Problem } from './problem.ts';

/** Options of every command that talks to control. */
export type Where = { plan: string; control?: string };

/** Where control is: --control and STRANGLER_TOKEN win; what they leave open the Plan says. Throws a Problem. */
export function connectionOf({ plan, control }: Where, env: NodeJS.ProcessEnv = process.env): ControlAccess {
  const token = env.STRANGLER_TOKEN;
  if (control !== undefined && !(URL.canParse(control) && /^https?:/.test(control))) {
    throw new Problem(`--control ${control} is no address: it must be http://HOST:PORT`, EXIT.usage);
  }
  if (control !== undefined && token) return { url: control.replace(/\/+$/, ''), token };
  const { listen, tokens } = readPlan(plan, env).control;
  return { url: control?.replace(/\/+$/, '') ?? addressOf(listen), token: token || tokens.admin };
}

function readPlan(file: string, env: NodeJS.ProcessEnv): Plan {
  try {
    return loadPlan(file, env);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const hint = 'To talk to control no Plan is needed: give --control URL and set STRANGLER_TOKEN.';
    throw new Problem(`${error.message}\n${hint}`, EXIT.usage, { cause: error });
  }
}

/** Where to connect for what is listened on: every interface includes loopback. */
const addressOf = (listen: string): string =>
  `http://${listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`;
