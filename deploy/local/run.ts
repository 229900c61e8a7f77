import { spawn } from 'node:child_process';
import { Problem } from './problem.ts';
import { markVariable } from './process-identity.ts';
import type { Command } from './recipes/recipe.ts';

/** Runs a program to its end and gives its output. Throws a Problem with the last lines if it fails or is missing. */
export function run(
  command: Command,
  options: { mark?: string; missing?: string; failed?: string; onLine?(line: string): void } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.file, [...command.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...command.env, ...(options.mark ? { [markVariable]: options.mark } : {}) },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    });
    let output = '';
    const take = (chunk: string) => {
      output += chunk;
      for (const line of chunk.split('\n')) options.onLine?.(line);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? new Problem(`${command.file} is missing.`, options.missing ?? `install ${command.file}`, { cause })
          : cause,
      ),
    );
    child.once('close', (code, signalName) => {
      if (code === 0) return resolve(output);
      const last = output.trim().split('\n').slice(-12).join('\n');
      const end = signalName ?? `exit code ${code}`;
      const full = /no space left on device/i.test(output);
      reject(
        new Problem(
          `${command.file} failed (${end}):\n${last}`,
          full ? 'the disk is full: free some space' : (options.failed ?? 'fix what the lines above say and try again'),
        ),
      );
    });
  });
}
