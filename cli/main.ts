#!/usr/bin/env node
import { PlanError } from '@strangler/plan';
import { CommanderError } from 'commander';
import { EXIT, Problem } from './problem.ts';
import { buildProgram } from './program.ts';
import { inertLines } from './text.ts';

// Who reads the output may stop early: `strangler schema | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed),
);

const program = buildProgram((code) => {
  process.exitCode = code;
});
const everyCommand = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)];
for (const command of everyCommand) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage; // it has said why
  if (error instanceof PlanError) {
    console.error(inertLines(error.message));
    return EXIT.usage;
  }
  console.error(inertLines(`strangler: ${error instanceof Error ? error.message : String(error)}`));
  return error instanceof Problem ? error.exit : EXIT.failed;
}
