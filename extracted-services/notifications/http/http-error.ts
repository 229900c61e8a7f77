/** One mistake in a request, at the path of the field it was made in. */
export interface Mistake {
  path: string;
  message: string;
}

/** An answer other than success, thrown from anywhere below a route; `code` is stable, `message` is for people. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly Mistake[] | undefined;

  constructor(status: number, code: string, message: string, details?: readonly Mistake[]) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** 400 carrying every mistake of the request at once. */
export const invalid = (mistakes: readonly Mistake[]): HttpError =>
  new HttpError(400, 'validation', mistakes.map((m) => `${m.path} ${m.message}`).join('; '), mistakes);

/** 404 for what does not exist, or is not this user's to know of. */
export const notFound = (what: string): HttpError => new HttpError(404, 'not_found', `${what} does not exist`);
