/** Something the person at the keyboard can fix: what is wrong, and the exact next step. */
export class Problem extends Error {
  readonly next: string;

  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Problem';
    this.next = next;
  }
}

/** The text of any error for a terminal: a Problem with its next step, anything else by its message. */
export function describeProblem(error: unknown): string {
  if (error instanceof Problem) return `${error.message}\n  → ${error.next}`;
  const code = (error as NodeJS.ErrnoException)?.code;
  if (code === 'ENOSPC') return 'The disk is full.\n  → free some space, then run the same command again';
  return error instanceof Error ? error.message : String(error);
}
