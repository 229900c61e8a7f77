import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Problem } from './problem.ts';

/** The programs `strangler` starts instead of talking to control. */
const PROGRAMS = {
  proxy: fileURLToPath(new URL('../strangler-proxy/main.ts', import.meta.url)),
  control: fileURLToPath(new URL('../control/main.ts', import.meta.url)),
  cdc: fileURLToPath(new URL('../cdc/main.ts', import.meta.url)),
} as const;
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** Runs a program in the foreground with the same terminal; gives its exit code, 128 + n if signal n ended it. */
export function runProgram(program: keyof typeof PROGRAMS, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const node = [...process.execArgv, '--disable-warning=TimeoutNegativeWarning'];
    const child = spawn(process.execPath, [...node, PROGRAMS[program], ...args], { stdio: 'inherit' });
    const forward = (signal: NodeJS.Signals) => {
      // A terminal has sent its Ctrl-C to the child as well: twice would be an order to hurry.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
    for (const signal of signals) process.on(signal, forward);
    const release = () => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.once('error', (cause) => {
      release();
      reject(new Problem(`${program} cannot be started: ${cause.message}`, 1, { cause }));
    });
    child.once('exit', (code, signal) => {
      release();
      resolve(code ?? 128 + (SIGNALS[signal as keyof typeof SIGNALS] ?? 9));
    });
  });
}
