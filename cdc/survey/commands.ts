import type { Plan } from '@strangler/plan';
import type { Command } from '../command-line.ts';
import { capabilitiesOf, type Output } from '../commands.ts';
import { printSurvey } from './print-survey.ts';
import { survey } from './survey.ts';

/** Surveys capabilities (all, if none is named) until the time is over or the user ends it, and prints the result. Gives the exit code. */
export async function runSurvey(plan: Plan, command: Command, { say, progress }: Output): Promise<number> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  const { words, control, for: milliseconds, json } = command;
  const { signal } = ending;
  const capabilities = capabilitiesOf(plan, words).filter((name) => plan.capabilities[name]!.routes.length > 0);
  if (!capabilities.length) throw new Error('a capability without routes splits nobody: there is nothing to survey');
  const reports = await survey(plan, capabilities, { milliseconds, control, signal, progress });
  if (json) say(JSON.stringify({ reports }));
  else for (const report of reports) say(printSurvey(report, plan));
  return reports.some(({ changes, unknown, undeclared }) => undeclared > 0 || changes === unknown) ? 1 : 0;
}
