/** Exit codes: done, failed or refused, used wrongly (also a wrong Plan), stopped watching with Ctrl-C. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What ends a command: a sentence for people that names the next step, and the exit code. */
export class Problem extends Error {
  readonly exit: number;
  constructor(message: string, exit: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Problem';
    this.exit = exit;
  }
}
