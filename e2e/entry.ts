/** The command line was used wrongly; the message says how. */
export class Misused extends Error {}

/**
 * Runs a program of this folder to its exit code; `stop` is aborted by Ctrl-C. Exit code 2 with the help text if it was used
 * wrongly, 130 if it was stopped, 1 if it failed.
 */
export async function runEntry(help: string, main: (stop: AbortSignal) => Promise<number>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop.abort(new Error('stopped before the end')));
  try {
    process.exitCode = await main(stop.signal);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const misused = error instanceof Misused || code?.startsWith('ERR_PARSE_ARGS');
    if (misused) console.error(`${message}\n\n${help}`);
    else console.error(`✗ ${stop.signal.aborted ? stop.signal.reason.message : message}`);
    process.exitCode = misused ? 2 : stop.signal.aborted ? 130 : 1;
  }
}
